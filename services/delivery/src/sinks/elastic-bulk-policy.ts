import type { Answer } from '../machine/outcome-policy.ts';
import { delivered, generalVerdict, isObject, jsonObjectOf } from './sink-answer.ts';
import type { Verdict } from './sink-answer.ts';

interface Item {
  readonly status: number;
  /** Such as document_parsing_exception; empty when it is not told. */
  readonly type: string;
}

/** Of an item: Too Many Requests and Service Unavailable are about the moment, as are all errors of the server. */
const isForLater = ({ status }: Item): boolean => status === 429 || status >= 500;
/** The credential may not write there, or there is no such index. */
const isForSomebody = ({ status }: Item): boolean => status === 401 || status === 403 || status === 404;
/** 409: an item with this `_id` is there already, which is what a repeated request has to find. */
const isThere = ({ status }: Item): boolean => status === 409 || (status >= 200 && status < 300);

/**
 * A 200 says nothing by itself: each item has a status of its own. Delivered is what is proved item by item, or by `errors: false`. While some items may
 * succeed later everything is sent again: `_id` keeps those that are there from being doubled.
 */
export function elasticBulkVerdict(answer: Answer, eventCount: number): Verdict {
  if (answer.kind === 'failed' || answer.status !== 200) {
    const general = generalVerdict(answer);
    return general.kind === 'delivered' ? notABulkAnswer : general;
  }
  const said = jsonObjectOf(answer.text);
  const items = itemsOf(said?.['items']);
  if (said === undefined || items?.length !== eventCount) return notABulkAnswer;
  const later = items.find(isForLater);
  if (later !== undefined) return { kind: 'retry', error: nameOf(later) };
  const somebody = items.find(isForSomebody);
  if (somebody !== undefined) return { kind: 'misconfigured', error: nameOf(somebody) };
  const indices = [...items.keys()].filter((index) => !isThere(items[index] ?? { status: 0, type: '' }));
  const [first] = indices;
  if (first === undefined) return delivered;
  const hasTaken = indices.length < items.length;
  return { kind: 'reject_event', indices, hasTaken, error: nameOf(items[first] ?? { status: 0, type: '' }) };
}

const notABulkAnswer: Verdict = { kind: 'misconfigured', error: 'not_a_bulk_answer' };

function nameOf({ status, type }: Item): string {
  return /^[a-z_]{1,64}$/.test(type) ? `item_${type}` : `item_status_${status}`;
}

/** The items, or undefined when one of them is not one. */
function itemsOf(value: unknown): Item[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value.flatMap((item: unknown): Item[] => {
    const result = isObject(item) ? item['create'] : undefined;
    if (!isObject(result) || typeof result['status'] !== 'number') return [];
    const { error } = result;
    const type = isObject(error) ? error['type'] : undefined;
    // A receiver may put anything there; made a text, an object can throw.
    return [{ status: result['status'], type: typeof type === 'string' ? type : '' }];
  });
  return items.length === value.length ? items : undefined;
}
