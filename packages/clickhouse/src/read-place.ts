import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

/** Where the record of a row is in Kafka. */
export interface RecordPlace {
  readonly generation: number;
  readonly partition: number;
  readonly offset: number;
}

const readPlaceSql = `SELECT src_generation AS generation, src_partition AS partition, src_offset AS offset FROM audit_events
WHERE tenant_id = {tenantId:String} AND seq = {seq:UInt64} LIMIT 1`;

/** The place of one seq of a log, or undefined when it has no row. For our own services: src_* never reach a tenant (I5). Throws ClickHouseError. */
export async function readPlace(
  clickhouse: ClickHouse,
  at: { readonly tenantId: string; readonly seq: number },
  options?: RequestOptions,
): Promise<RecordPlace | undefined> {
  const [row] = await clickhouse.query<RecordPlace>(readPlaceSql, { ...at }, options);
  return row;
}
