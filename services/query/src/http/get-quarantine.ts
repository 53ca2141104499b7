import { DocketError } from '@docket/runtime';
import type { Request } from 'express';
import type { ReadRows } from '../pages/bounded-read.ts';
import type { Asker, LogReader } from '../pages/clickhouse-log-reader.ts';
import { pageLimit } from '../parameters/endpoint-parameters.ts';
import { listQuarantineEndpoint } from '../endpoints.ts';
import { quarantinedRecordOf } from '../quarantine/quarantine-mapper.ts';
import type { OperatorRecordRow, QuarantinePlace } from '../quarantine/quarantine-sql-mapper.ts';
import { limitedAs, type Caller } from '../gate/reader-policy.ts';
import { allLogs } from '../gate/tenant-lock-policy.ts';
import type { Reading } from '../trail/reading.ts';
import { operatorOf, tenantOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';
import type { ReadAnswer, Reader } from './reading-route.ts';

interface QuarantinePorts {
  readonly callers: Callers;
  readonly reader: LogReader;
}

/** GET /v1/quarantine?tenant_id=LOG|*: records that could not be read, with their bytes; operators only. */
export function getQuarantine({ callers, reader }: QuarantinePorts): Reader {
  return async (req, signal) => {
    const credential = await operatorOf(callers, req, ['events:read']);
    const parameters = parametersOf(req, listQuarantineEndpoint);
    const limit = parameters.integer(pageLimit);
    const cursor = parameters.one('cursor');
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const asker = { keyId: limitedAs(credential), signal };
    const log = named === allLogs ? allLogs : tenantOf(credential, named);
    const asked = { credential, log, limit, cursor };
    return log === allLogs ? listOfAllLogs(asked, reader, asker, req) : listOfLog(asked, reader, asker, req);
  };
}

interface Asked {
  readonly credential: Caller;
  readonly log: string;
  readonly limit: number;
  readonly cursor: string | undefined;
}

async function listOfLog(asked: Asked, reader: LogReader, asker: Asker, req: Request): Promise<ReadAnswer> {
  const { log, limit, cursor } = asked;
  const beforeSeq = cursor === undefined ? null : seqOfCursor(cursor);
  const page = await reader.quarantine({ log, beforeSeq, limit }, asker);
  const told = cursor === undefined ? {} : { before_seq: cursor };
  const reading = readingOf(asked, { log, question: '', asked: told, results: page.rows.length });
  return { reading, ...pageOfRows(page, asked, req, ({ seq }) => String(seq)) };
}

/**
 * Told in every log of which something is shown, with nothing of another in it (I5), and in the operators' log that they looked, also when
 * there was nothing.
 */
async function listOfAllLogs(asked: Asked, reader: LogReader, asker: Asker, req: Request): Promise<ReadAnswer> {
  const { limit, cursor } = asked;
  const after = cursor === undefined ? null : placeOfCursor(cursor);
  const page = await reader.allQuarantine({ after, limit }, asker);
  const shown = new Map([[allLogs, page.rows.length]]);
  for (const { log } of page.rows) shown.set(log, (shown.get(log) ?? 0) + 1);
  const reading = [...shown].map(([log, results]) =>
    readingOf(asked, { log, question: allLogs, asked: { logs: 'all' }, results }),
  );
  return { reading, ...pageOfRows(page, asked, req, cursorOfPlace) };
}

function readingOf({ credential }: Asked, told: Pick<Reading, 'log' | 'question' | 'asked' | 'results'>): Reading {
  return { credential, eventId: null, ...told };
}

function pageOfRows(
  { rows, hasMore }: ReadRows<OperatorRecordRow>,
  { log, limit }: Asked,
  req: Request,
  cursorOf: (last: OperatorRecordRow) => string,
) {
  const last = rows.at(-1);
  const nextCursor = hasMore && last !== undefined ? cursorOf(last) : null;
  const next = new URLSearchParams({ tenant_id: log, limit: String(limit), cursor: nextCursor ?? '' });
  return {
    headers: nextCursor === null ? {} : { Link: `<${req.path}?${next.toString()}>; rel="next"` },
    body: { data: rows.map(quarantinedRecordOf), next_cursor: nextCursor },
  };
}

function seqOfCursor(cursor: string): number {
  const seq = /^\d{1,16}$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  throw badCursor();
}

function cursorOfPlace({ received_at_ms: receivedAtMs, seq, log }: OperatorRecordRow): string {
  return `${receivedAtMs}.${seq}.${log}`;
}

function placeOfCursor(cursor: string): QuarantinePlace {
  const [, receivedAtMs, seq, log = ''] = /^(\d{1,15})\.(\d{1,16})\.(.{1,128})$/s.exec(cursor) ?? [];
  const place = { receivedAtMs: Number(receivedAtMs), seq: Number(seq), log };
  if (Number.isSafeInteger(place.receivedAtMs) && Number.isSafeInteger(place.seq)) return place;
  throw badCursor();
}

function badCursor(): DocketError {
  return new DocketError('invalid_cursor', 'The cursor is not one of ours.');
}
