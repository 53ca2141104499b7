import { checkBatchChain, type ReceivedRequest, type Receiver } from '@docket/testkit';
import { expectThat } from './fault-case.ts';

/** Ids of events, as a receiver has seen them. */
export interface Receipts {
  /** Of all requests, repeats included; without what is sent aside of the stream, tagged. */
  readonly received: readonly string[];
  /** Of those that were refused, which has to come again. */
  readonly refused: readonly string[];
  /** The same without repeats. */
  readonly first: readonly string[];
  readonly acknowledged: ReadonlySet<string>;
}

/** I6: every request was signed, every batch accounts for its range and begins where one before it ended, and first receipts begin with these events, in this order. */
export function checkReceipts(tenantId: string, receiver: Receiver, ids: readonly string[]): Receipts {
  const { requests } = receiver;
  const unsigned = requests.filter(({ signature }) => signature !== 'valid').length;
  expectThat(unsigned === 0, `${tenantId}: ${unsigned} requests were not signed as they should be`);
  const { problems } = checkBatchChain(receiver.accepted().map(bodyOf), { mayOverlap: true });
  expectThat(problems.length === 0, `${tenantId}: ${problems.slice(0, 3).join('; ')}`);
  const received = requests.flatMap(idsOf);
  const first = [...new Set(received)];
  const wrong = ids.findIndex((id, index) => first[index] !== id);
  expectThat(
    wrong < 0,
    `${tenantId}: the first receipt number ${wrong + 1} is ${first[wrong]}, in the log it is ${ids[wrong]}`,
  );
  const refused = requests.filter(({ status }) => status !== null && status >= 300).flatMap(idsOf);
  return { received, refused, first, acknowledged: acknowledgedIds(receiver) };
}

export function acknowledgedIds(receiver: Receiver): ReadonlySet<string> {
  return new Set(receiver.accepted().flatMap(idsOf));
}

function idsOf(request: ReceivedRequest): string[] {
  return checkBatchChain([bodyOf(request)]).events.map(({ id }) => id);
}

function bodyOf({ body }: ReceivedRequest): unknown {
  return JSON.parse(body.toString());
}
