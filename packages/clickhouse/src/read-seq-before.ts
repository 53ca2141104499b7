import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

const readSeqBeforeSql = `SELECT max(seq) AS seq FROM audit_events
WHERE tenant_id = {tenantId:String} AND received_at < fromUnixTimestamp64Milli({timeMs:Int64})`;

/** The highest stored seq of a log that was received before a time; 0 when there is none. Throws ClickHouseError. */
export async function readSeqBefore(
  clickhouse: ClickHouse,
  at: { readonly tenantId: string; readonly timeMs: number },
  options?: RequestOptions,
): Promise<number> {
  const [row] = await clickhouse.query<{ seq: number | string }>(readSeqBeforeSql, { ...at }, options);
  return Number(row?.seq ?? 0);
}
