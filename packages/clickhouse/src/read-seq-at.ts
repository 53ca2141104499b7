import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

const readSeqAtSql = `SELECT max(seq) AS seq FROM audit_events
WHERE tenant_id = {tenantId:String}
  AND (src_generation < {generation:UInt16} OR (src_generation = {generation:UInt16} AND src_offset <= {offset:Int64}))`;

/** The highest stored seq of a log whose record is at or before an offset of a generation; 0 when there is none. Throws ClickHouseError. */
export async function readSeqAt(
  clickhouse: ClickHouse,
  at: { readonly tenantId: string; readonly generation: number; readonly offset: number },
  options?: RequestOptions,
): Promise<number> {
  const [row] = await clickhouse.query<{ seq: number | string }>(readSeqAtSql, { ...at }, options);
  return Number(row?.seq ?? 0);
}
