import type { StoredEventRow } from '@docket/event';
import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';
import { contiguousRows, storedEventOf, storedEventSelection, type StoredEventJson } from './stored-event-mapper.ts';

export interface LogRange {
  /** The log: a tenant id, or `!p<partition>`. */
  readonly tenantId: string;
  /** Rows with a greater seq. Below first_seq − 1 the answer is empty: those rows were cut. */
  readonly afterSeq: number;
  /** At most this many rows; ≤ 10,000. */
  readonly limit: number;
}

/** Above it ClickHouse no longer reads the wide columns late, of the rows it answers only. */
const limitMax = 10_000;

export const readLogSql = `SELECT ${storedEventSelection} FROM audit_events
WHERE tenant_id = {tenantId:String} AND seq > {afterSeq:UInt64} AND seq <= {toSeq:UInt64}
ORDER BY seq LIMIT {limit:UInt64}`;

/**
 * The rows of a log behind `afterSeq`, in seq order and without a hole, of every status: fewer than `limit` at the end of
 * what is stored. seq is dense (I3), so a range of `limit` numbers bounds what is read. Throws ClickHouseError.
 */
export async function readLog(
  clickhouse: ClickHouse,
  { tenantId, afterSeq, limit }: LogRange,
  options?: RequestOptions,
): Promise<StoredEventRow[]> {
  if (limit < 1 || limit > limitMax) throw new RangeError(`limit ${limit} is not in 1..${limitMax}`);
  const params = { tenantId, afterSeq, toSeq: afterSeq + limit, limit };
  const rows = await clickhouse.query<StoredEventJson>(readLogSql, params, options);
  return contiguousRows(rows.map(storedEventOf), afterSeq);
}

export interface LogBounds {
  readonly firstSeq: number;
  readonly headSeq: number;
}

const logBoundsSql = `SELECT max(first) AS first_seq, max(head) AS head_seq FROM (
  SELECT 1 AS first, max(seq) AS head FROM audit_events WHERE tenant_id = {tenantId:String}
  UNION ALL
  SELECT max(first_seq) AS first, max(head_seq) AS head FROM log_heads WHERE tenant_id = {tenantId:String}
)`;

/** Between which seqs a log is stored; headSeq is 0 for a log without rows. Throws ClickHouseError. */
export async function readLogBounds(
  clickhouse: ClickHouse,
  tenantId: string,
  options?: RequestOptions,
): Promise<LogBounds> {
  const rows = await clickhouse.query<{ first_seq: number; head_seq: number }>(logBoundsSql, { tenantId }, options);
  return { firstSeq: rows[0]?.first_seq ?? 1, headSeq: rows[0]?.head_seq ?? 0 };
}
