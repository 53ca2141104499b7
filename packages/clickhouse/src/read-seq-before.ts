import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

const firstSinceSql = `SELECT minOrNull(seq) AS seq FROM audit_events
WHERE tenant_id = {tenantId:String} AND received_at >= fromUnixTimestamp64Milli({timeMs:Int64})`;
const headSql = `SELECT maxOrNull(seq) AS seq FROM audit_events WHERE tenant_id = {tenantId:String}`;

/**
 * The seq before the first stored record of a log that was received at a time or later; without one, the last seq; 0 in an empty log. Brokers' clocks may
 * differ, so that records before it may have been received later, too. Throws ClickHouseError.
 */
export async function readSeqBefore(
  clickhouse: ClickHouse,
  at: { readonly tenantId: string; readonly timeMs: number },
  options?: RequestOptions,
): Promise<number> {
  const ask = async (sql: string): Promise<number | null> => {
    const [row] = await clickhouse.query<{ seq: number | string | null }>(sql, { ...at }, options);
    return row === undefined || row.seq === null ? null : Number(row.seq);
  };
  const first = await ask(firstSinceSql);
  return first === null ? ((await ask(headSql)) ?? 0) : first - 1;
}
