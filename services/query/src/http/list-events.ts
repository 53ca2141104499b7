import { DocketError } from '@docket/runtime';
import type { RequestHandler } from 'express';
import { publicEventOf } from '../answer-mapper.ts';
import type { LogReader } from '../clickhouse-log-reader.ts';
import { decodeCursor, encodeCursor, fingerprintOf, type PagePosition } from '../cursor-mapper.ts';
import { filterOfParameters, filterParameters, isMetadataParameter } from '../filter-parameters-mapper.ts';
import { requestParameters } from '../request-parameters-mapper.ts';
import { isOperator, readerOf, tenantOf, type KeyDirectory } from './caller.ts';
import { forCaller } from './for-caller.ts';
import { requireValid, searchOf } from './query-string.ts';

const pageDefault = 100;
const pageMax = 1_000;

export const listParameters = ['tenant_id', ...filterParameters, 'limit', 'cursor'];

interface ListPorts {
  readonly directory: KeyDirectory;
  readonly reader: LogReader;
  readonly rangeDaysMax: number;
}

/** GET /v1/events: `{"data":[…],"next_cursor"}`, newest first, with `Link: rel="next"` while there is more. */
export function listEvents({ directory, reader, rangeDaysMax }: ListPorts): RequestHandler {
  return forCaller(async (req, res, signal) => {
    const credential = readerOf(directory, req);
    const search = searchOf(req);
    const parameters = requestParameters(search, listParameters, isMetadataParameter);
    const limit = parameters.integer('limit', { min: 1, max: pageMax, default: pageDefault });
    const filter = filterOfParameters(parameters, {
      isOperator: isOperator(credential),
      rangeDaysMax,
      nowMicros: Date.now() * 1_000,
    });
    const [named, cursor] = [parameters.one('tenant_id'), parameters.one('cursor')];
    requireValid(parameters);
    const tenantId = tenantOf(credential, named);
    const fingerprint = fingerprintOf(tenantId, filter);
    const after = cursor === undefined ? null : positionOf(cursor, fingerprint);

    const rows = await reader.page({ tenantId, filter, after, limit: limit + 1 }, signal);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const nextCursor =
      rows.length > limit && last !== undefined
        ? encodeCursor({ occurredAt: last.occurred_at, id: last.id, seq: last.seq }, fingerprint)
        : null;
    if (nextCursor !== null) {
      search.set('cursor', nextCursor);
      res.set('Link', `<${req.path}?${search.toString()}>; rel="next"`);
    }
    res.set('Cache-Control', 'no-store').json({ data: page.map(publicEventOf), next_cursor: nextCursor });
  });
}

function positionOf(cursor: string, fingerprint: string): PagePosition {
  const decoded = decodeCursor(cursor, fingerprint);
  if (!decoded.ok) throw new DocketError('invalid_cursor', decoded.detail);
  return decoded.position;
}
