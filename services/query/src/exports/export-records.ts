import { randomUUID } from 'node:crypto';
import type { ClickHouse, RequestOptions } from '@docket/clickhouse';
import { readFailure } from '../pages/read-failure-policy.ts';
import { tenantLock } from '../gate/tenant-lock-policy.ts';
import type { ExportFormatName } from './export-sql-mapper.ts';

const deadlineMs = 10_000;

/** What is known of an export. Counts, seqs and digest are of a complete one. */
export interface ExportRecord {
  readonly tenantId: string;
  readonly exportId: string;
  readonly keyId: string;
  /** Of a viewer token; empty: a key. */
  readonly tokenId: string;
  readonly format: ExportFormatName;
  readonly state: 'running' | 'failed' | 'complete';
  readonly startedAtMs: number;
  /** An export that has not ended by then never will. */
  readonly endsByMs: number;
  readonly endedAtMs: number;
  readonly throughSeq: number;
  readonly eventCount: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly bodyBytes: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * What exports came to, in ClickHouse for 30 days: so every instance answers for every export. All throw DocketError.
 */
export interface ExportRecords {
  /** Writes how an export stands; its end replaces its beginning, in whatever order they arrive. */
  put(record: ExportRecord): Promise<void>;
  find(tenantId: string, exportId: string): Promise<ExportRecord | null>;
  /** Uses a ticket: true once for each, whichever instances are asked at the same time. */
  claim(ticketId: string): Promise<boolean>;
}

export function createExportRecords(clickhouse: ClickHouse): ExportRecords {
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw readFailure(error);
    }
  };

  return {
    put: (record) => asked(() => clickhouse.command(putSql, { ...record }, { deadlineMs })),
    find: (tenantId, exportId) =>
      asked(async () => {
        const options = { deadlineMs, headers: tenantLock(tenantId) };
        const [record] = await clickhouse.query<ExportRecord>(findSql, { tenantId, exportId }, options);
        return record ?? null;
      }),
    claim: (ticketId) =>
      asked(async () => {
        const claimId = randomUUID();
        await clickhouse.command(claimSql, { ticketId, claimId }, claimOptions(ticketId));
        const claims = await clickhouse.query<{ claim_id: string }>(claimsSql, { ticketId }, { deadlineMs });
        // Of two that the deduplication did not tell apart neither is first.
        return claims.length === 1 && claims[0]?.claim_id === claimId;
      }),
  };
}

function claimOptions(ticketId: string): RequestOptions {
  return {
    deadlineMs,
    settings: { async_insert: 0, insert_deduplicate: 1, insert_deduplication_token: ticketId },
  };
}

const putSql = `INSERT INTO exports (tenant_id, export_id, key_id, token_id, format, state, started_at, ends_by, ended_at, through_seq, event_count, first_seq, last_seq, body_bytes, sha256)
SELECT {tenantId:String}, {exportId:UUID}, {keyId:String}, {tokenId:String}, {format:String}, {state:String},
  fromUnixTimestamp64Milli({startedAtMs:Int64}), fromUnixTimestamp64Milli({endsByMs:Int64}), fromUnixTimestamp64Milli({endedAtMs:Int64}),
  {throughSeq:UInt64}, {eventCount:UInt64}, {firstSeq:UInt64}, {lastSeq:UInt64}, {bodyBytes:UInt64}, {sha256:String}`;

const findSql = `SELECT tenant_id AS tenantId, toString(export_id) AS exportId, key_id AS keyId, token_id AS tokenId, format, toString(exports.state) AS state,
  toUnixTimestamp64Milli(started_at) AS startedAtMs, toUnixTimestamp64Milli(ends_by) AS endsByMs, toUnixTimestamp64Milli(ended_at) AS endedAtMs,
  through_seq AS throughSeq, event_count AS eventCount, first_seq AS firstSeq, last_seq AS lastSeq, body_bytes AS bodyBytes, sha256
FROM exports WHERE tenant_id = {tenantId:String} AND export_id = {exportId:UUID}
ORDER BY ended_at DESC LIMIT 1`;

const claimSql = 'INSERT INTO export_claims (ticket_id, claim_id) SELECT {ticketId:UUID}, {claimId:UUID}';
const claimsSql = 'SELECT toString(claim_id) AS claim_id FROM export_claims WHERE ticket_id = {ticketId:UUID} LIMIT 2';
