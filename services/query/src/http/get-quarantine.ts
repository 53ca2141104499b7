import { DocketError } from '@docket/runtime';
import type { LogReader } from '../clickhouse-log-reader.ts';
import { pageLimit } from '../endpoint-parameters.ts';
import { listQuarantineEndpoint } from '../endpoints.ts';
import { quarantinedRecordOf } from '../quarantine-mapper.ts';
import { operatorOf, tenantOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';
import type { Reader } from './reading-route.ts';

interface QuarantinePorts {
  readonly callers: Callers;
  readonly reader: LogReader;
}

/** GET /v1/quarantine?tenant_id=LOG: records that could not be read, with their bytes; operators only. */
export function getQuarantine({ callers, reader }: QuarantinePorts): Reader {
  return async (req, signal) => {
    const credential = await operatorOf(callers, req, ['events:read']);
    const parameters = parametersOf(req, listQuarantineEndpoint);
    const limit = parameters.integer(pageLimit);
    const cursor = parameters.one('cursor');
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const log = tenantOf(credential, named);
    const beforeSeq = cursor === undefined ? null : seqOfCursor(cursor);

    const asker = { keyId: credential.keyId, signal };
    const rows = await reader.quarantine({ log, beforeSeq, limit: limit + 1 }, asker);
    const page = rows.slice(0, limit);
    const nextCursor = rows.length > limit ? String(page.at(-1)?.seq ?? '') : null;
    const next = new URLSearchParams({ tenant_id: log, limit: String(limit), cursor: nextCursor ?? '' });
    const reading = {
      credential,
      log,
      question: '',
      asked: cursor === undefined ? {} : { before_seq: cursor },
      eventId: null,
      results: page.length,
    };
    return {
      reading,
      headers: nextCursor === null ? {} : { Link: `<${req.path}?${next.toString()}>; rel="next"` },
      body: { data: page.map(quarantinedRecordOf), next_cursor: nextCursor },
    };
  };
}

function seqOfCursor(cursor: string): number {
  const seq = /^\d{1,16}$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  throw new DocketError('invalid_cursor', 'The cursor is not one of ours.');
}
