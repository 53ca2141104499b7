import type { LogTextsRange } from '@docket/clickhouse';
import { every, printSearch, scopeSearch, statusesByDefault } from '@docket/event';
import { DocketError } from '@docket/runtime';
import { feedText } from '../answer-mapper.ts';
import type { Asker, LogReader } from '../pages/clickhouse-log-reader.ts';
import { afterParameter, feedLimit, feedWait } from '../parameters/endpoint-parameters.ts';
import { getFeedEndpoint } from '../endpoints.ts';
import { searchOfQ, sinceOf } from '../parameters/filter-parameters-mapper.ts';
import type { RequestParameters } from '../parameters/request-parameters-mapper.ts';
import type { LogPages } from '../tail/log-pages.ts';
import type { WaitingRoom } from '../gate/waiting-room.ts';
import { limitedAs } from '../gate/reader-policy.ts';
import { readerOf, requireStillReads, tenantOf, type Callers } from './caller.ts';
import { look } from './look.ts';
import { parametersOf, requireValid } from './query-string.ts';
import type { Reader } from './reading-route.ts';

/** Seqs that a number holds exactly. */
const afterSeq = { name: afterParameter.name, min: 0, max: Number.MAX_SAFE_INTEGER, default: undefined };

interface FeedPorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly pages: LogPages;
  readonly waitingRoom: WaitingRoom;
}

/** Where a feed begins: behind a seq, at the log's end or beginning, or at a time of arrival in ms. */
type Start = number | 'latest' | 'beginning' | { readonly sinceMs: number };

/**
 * GET /v1/feed?after=SEQ|latest&since&limit&wait&q: the log in seq order; see FeedAnswer. `limit` bounds the seqs that are passed, not
 * the events that q leaves of them, so that every answer is quick; with `wait` it comes when there is something, or empty after
 * so many seconds, and 401 as soon as its credential has ended. 410 when rows behind `after` were cut.
 */
export function getFeed({ callers, reader, pages, waitingRoom }: FeedPorts): Reader {
  async function placeOf(tenantId: string, start: Start, asker: Asker): Promise<number> {
    if (typeof start === 'number') return start;
    const { firstSeq, headSeq } = await reader.bounds(tenantId, asker);
    if (start === 'latest') return headSeq;
    if (start === 'beginning') return firstSeq - 1;
    return Math.max(firstSeq - 1, await reader.seqBefore({ tenantId, timeMs: start.sinceMs }, asker));
  }

  async function pageWithin(range: LogTextsRange, asker: Asker): ReturnType<LogReader['feedWithin']> {
    const page = await reader.feedWithin(range, asker);
    const { firstSeq } = page.bounds;
    if (range.afterSeq >= firstSeq - 1) return page;
    const extensions = { first_seq: firstSeq };
    throw new DocketError('cursor_expired', `The log begins at seq ${firstSeq}.`, { extensions });
  }

  return async (req, signal) => {
    const credential = await readerOf(callers, req);
    const asker = { keyId: limitedAs(credential), signal };
    const parameters = parametersOf(req, getFeedEndpoint);
    const limit = parameters.integer(feedLimit);
    const waitSeconds = parameters.integer(feedWait);
    const context = { statuses: statusesByDefault, nowMicros: Date.now() * 1_000 };
    const start = startOf(parameters, sinceOf(parameters, context));
    const search = searchOfQ(parameters, context) ?? every;
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const tenantId = tenantOf(credential, named);
    const scoped = scopeSearch(search, { tenantId, statuses: statusesByDefault, own: null });

    const after = await placeOf(tenantId, start, asker);
    const range = { tenantId, afterSeq: after, limit, search: scoped.search };
    let page = await pageWithin(range, asker);
    const leave = page.rows.length === 0 && waitSeconds > 0 ? waitingRoom.enter(tenantId) : undefined;
    if (leave !== undefined) {
      const isThere = async (): Promise<true | null> => {
        requireStillReads(callers, credential, tenantId);
        return (await pages.after(tenantId, after, limitedAs(credential))).rows.length > 0 ? true : null;
      };
      await look(isThere, waitSeconds * 1_000, signal).finally(leave);
      page = await pageWithin(range, asker);
      requireStillReads(callers, credential, tenantId);
    }
    const { firstSeq, headSeq, atMs } = page.bounds;
    const asOf = new Date(atMs).toISOString();
    const { json, eventsCount } = feedText(page.rows, { after, firstSeq, headSeq, asOf });
    const reading = {
      credential,
      log: tenantId,
      // Not where it goes on: a feed that is followed is one question.
      question: parameters.one('q') ?? '',
      asked: { search: printSearch(scoped.search), after: String(after) },
      eventId: null,
      results: eventsCount,
    };
    return { reading, json };
  };
}

function startOf(parameters: RequestParameters, sinceMicros: number | null): Start {
  const isSince = parameters.all('since').length > 0;
  if (isSince && parameters.all('after').length > 0)
    parameters.fail('since', 'stands in place of after, not beside it');
  if (sinceMicros !== null) return { sinceMs: Math.ceil(sinceMicros / 1_000) };
  if (parameters.all('after')[0] === 'latest' && parameters.one('after') === 'latest') return 'latest';
  return parameters.integer(afterSeq) ?? 'beginning';
}
