import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

const readReceivedAtSql = `SELECT toUnixTimestamp64Milli(received_at) AS time_ms FROM audit_events
WHERE tenant_id = {tenantId:String} AND seq = {seq:UInt64} LIMIT 1`;

/** When one seq of a log was received, ms since the epoch, or undefined when it has no row. Throws ClickHouseError. */
export async function readReceivedAt(
  clickhouse: ClickHouse,
  at: { readonly tenantId: string; readonly seq: number },
  options?: RequestOptions,
): Promise<number | undefined> {
  const [row] = await clickhouse.query<{ time_ms: number | string }>(readReceivedAtSql, { ...at }, options);
  return row === undefined ? undefined : Number(row.time_ms);
}
