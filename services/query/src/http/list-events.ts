import { printSearch } from '@docket/event';
import { DocketError } from '@docket/runtime';
import { shownEventOf } from '../answer-mapper.ts';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import { fingerprintOf, type PageCursor, type PagePosition } from '../pages/cursor-mapper.ts';
import type { CursorSeal } from '../pages/cursor-seal.ts';
import { pageLimit } from '../parameters/endpoint-parameters.ts';
import { listEventsEndpoint } from '../endpoints.ts';
import { limitedAs, ownEventsOf } from '../gate/reader-policy.ts';
import { askedSearch } from './asked-search.ts';
import { anyReaderOf, type Callers } from './caller.ts';
import { parametersOf, searchOf } from './query-string.ts';
import type { Reader } from './reading-route.ts';

interface ListPorts {
  readonly callers: Callers;
  readonly cursors: CursorSeal;
  readonly reader: LogReader;
  readonly rangeDaysMax: number;
}

/** GET /v1/events: `{"data":[…],"next_cursor"}`, newest first, with `Link: rel="next"` while there is more. */
export function listEvents({ callers, cursors, reader, rangeDaysMax }: ListPorts): Reader {
  return async (req, signal) => {
    const credential = await anyReaderOf(callers, req);
    const asker = { keyId: limitedAs(credential), signal };
    const query = searchOf(req);
    const parameters = parametersOf(req, listEventsEndpoint);
    const limit = parameters.integer(pageLimit);
    const cursorText = parameters.one('cursor');
    const cursor = cursorText === undefined ? undefined : cursors.open(cursorText);
    const nowMicros = cursor?.nowMicros ?? Date.now() * 1_000;
    const { search, question } = askedSearch({ credential, parameters, rangeDaysMax, nowMicros });
    const fingerprint = fingerprintOf(search);
    const after = cursor === undefined ? null : positionOf(cursor, fingerprint);

    const { rows: page, hasMore } = await reader.page({ search, after, limit }, asker);
    const last = page.at(-1);
    const nextCursor =
      hasMore && last !== undefined
        ? cursors.seal({
            fingerprint,
            nowMicros,
            position: { occurredAt: last.occurred_at, id: last.id, seq: last.seq },
          })
        : null;
    if (nextCursor !== null) query.set('cursor', nextCursor);
    const reading = {
      credential,
      log: search.tenantId,
      question,
      asked: { search: printSearch(search.search) },
      eventId: null,
      results: page.length,
    };
    const own = ownEventsOf(credential);
    return {
      reading,
      headers: nextCursor === null ? {} : { Link: `<${req.path}?${query.toString()}>; rel="next"` },
      body: { data: page.map((row) => shownEventOf(row, own)), next_cursor: nextCursor },
    };
  };
}

function positionOf(cursor: PageCursor | null, fingerprint: string): PagePosition {
  if (cursor === null) throw new DocketError('invalid_cursor', 'The cursor is not one of ours.');
  if (cursor.fingerprint !== fingerprint) {
    throw new DocketError('invalid_cursor', 'The cursor belongs to a search with other filters.');
  }
  return cursor.position;
}
