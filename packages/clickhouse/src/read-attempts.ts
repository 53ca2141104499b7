import type { AttemptRow } from '@docket/event';
import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

/** What an `AttemptRow` is selected with from delivery_attempts. */
export const attemptSelection = `subscription_id, from_seq, to_seq, event_count, try, toUnixTimestamp64Milli(started_at) AS started_at_ms,
  duration_ms, outcome, http_status, error, answer_excerpt`;

export interface AttemptsOf {
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** At most this many. */
  readonly limit: number;
  /** Only those that were not taken. */
  readonly isFailed: boolean;
}

/** The newest attempts of a subscription, newest first, each once; in the order of the table, so that no more than these are read. */
const sqlOf = (isFailed: boolean): string => `SELECT ${attemptSelection} FROM delivery_attempts
WHERE tenant_id = {tenantId:String} AND subscription_id = {subscriptionId:String}${isFailed ? " AND outcome != 'delivered'" : ''}
ORDER BY tenant_id DESC, subscription_id DESC, started_at DESC, attempt_id DESC
LIMIT 1 BY attempt_id LIMIT {limit:UInt64}`;

/** The newest attempts of a subscription, newest first. Throws ClickHouseError. */
export async function readAttempts(
  clickhouse: ClickHouse,
  { isFailed, ...params }: AttemptsOf,
  options?: RequestOptions,
): Promise<AttemptRow[]> {
  return clickhouse.query<AttemptRow>(sqlOf(isFailed), { ...params }, options);
}
