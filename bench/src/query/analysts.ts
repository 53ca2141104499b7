import type { ClickHouse } from '@docket/clickhouse';
import { timeEach, type Times } from './measure.ts';

const requests = 30;

/** What analysts ask, as their own user, of the view `events` over all tenants: failed logins of the last hour, and of the last day. */
export async function timeAnalysts(clickhouse: ClickHouse, end: string): Promise<Map<string, Times>> {
  const times = new Map<string, Times>();
  for (const [name, seconds] of [
    ['analysts_failed_logins_last_hour', 3_600],
    ['analysts_failed_logins_last_day', 86_400],
  ] as const) {
    const params = { end: end.replace('T', ' ').replace('Z', ''), seconds };
    const sql = `SELECT tenant_id, ip, count() AS failures FROM events
WHERE action = 'user.login' AND outcome = 'failure'
  AND received_at >= {end:DateTime64(3, 'UTC')} - toIntervalSecond({seconds:UInt32}) AND occurred_at >= {end:DateTime64(3, 'UTC')} - toIntervalSecond({seconds:UInt32})
GROUP BY tenant_id, ip ORDER BY failures DESC LIMIT 100`;
    times.set(name, await timeEach(async () => void (await clickhouse.query(sql, params)), requests));
  }
  return times;
}
