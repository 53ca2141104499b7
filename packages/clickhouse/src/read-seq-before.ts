import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

const firstSinceSql = `SELECT min(seq) AS seq, count() AS found FROM audit_events
WHERE tenant_id = {tenantId:String} AND received_at >= fromUnixTimestamp64Milli({timeMs:Int64})`;
const headSql = `SELECT max(seq) AS seq, count() AS found FROM audit_events WHERE tenant_id = {tenantId:String}`;

/**
 * The seq before the first stored record of a log that was received at a time or later; without one, the last seq; 0 in an empty log. Brokers' clocks may
 * differ, so that records before it may have been received later, too. Throws ClickHouseError.
 */
export async function readSeqBefore(
  clickhouse: ClickHouse,
  at: { readonly tenantId: string; readonly timeMs: number },
  options?: RequestOptions,
): Promise<number> {
  const ask = async (sql: string): Promise<{ seq: number; found: number }> => {
    const [row] = await clickhouse.query<{ seq: number | string; found: number | string }>(sql, { ...at }, options);
    return { seq: Number(row?.seq ?? 0), found: Number(row?.found ?? 0) };
  };
  const first = await ask(firstSinceSql);
  return first.found > 0 ? first.seq - 1 : (await ask(headSql)).seq;
}
