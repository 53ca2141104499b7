import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

export const readFirstAtSql = `SELECT min(seq) AS seq FROM audit_events
WHERE tenant_id = {tenantId:String}
  AND (src_generation > {generation:UInt16} OR (src_generation = {generation:UInt16} AND src_offset >= {offset:UInt64}))`;

/**
 * The seq of the first record of a log that lies in Kafka at an offset of the log's partition or behind it; undefined while none is stored. What is stored
 * is a prefix of the log (I4), so once there is an answer it stays the same. Throws ClickHouseError.
 */
export async function readFirstAt(
  clickhouse: ClickHouse,
  at: { readonly tenantId: string; readonly generation: number; readonly offset: number },
  options?: RequestOptions,
): Promise<number | undefined> {
  const [row] = await clickhouse.query<{ seq: number | string }>(readFirstAtSql, { ...at }, options);
  // Of no rows the minimum is 0, which is no seq.
  const seq = Number(row?.seq ?? 0);
  return seq === 0 ? undefined : seq;
}
