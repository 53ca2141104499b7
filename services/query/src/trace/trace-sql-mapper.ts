import { attemptSelection, createBinder, type Statement } from '@docket/clickhouse';
import type { KafkaPlaceRow } from '../kafka-place.ts';

export interface AttemptsQuery {
  readonly tenantId: string;
  /** Of the rows of one event. */
  readonly seqs: readonly number[];
  /** ms since the epoch: attempts before it were about something else, because the event was not there. */
  readonly receivedAtMs: number;
  readonly limit: number;
}

/** Where a row lies in Kafka, as the view operator_places has it. */
export interface PlaceRow extends KafkaPlaceRow {
  readonly seq: number;
}

/** For operators: where the rows of these seqs lie, in any order. */
export function placesStatement(log: string, seqs: readonly number[]): Statement {
  const binder = createBinder();
  const sql = `SELECT seq, src_generation, src_partition, src_offset FROM operator_places
WHERE tenant_id = ${binder.bind('String', log)} AND has(${binder.bind('Array(UInt64)', seqs)}, seq)
LIMIT ${binder.bind('UInt64', seqs.length)}`;
  return { sql, params: binder.params };
}

/** Clocks of the broker and of the delivery service differ by less. */
const skewMs = 60_000;

/**
 * The attempts of every batch that accounts for one of the seqs, by subscription and time; each attempt once. Where there are more than
 * the limit, subscriptions take turns, each with one that was delivered first and then its newest: none is left out by what others have tried.
 */
export function attemptsStatement({ tenantId, seqs, receivedAtMs, limit }: AttemptsQuery): Statement {
  const binder = createBinder();
  const covers = `arrayExists(seq -> seq BETWEEN from_seq AND to_seq, ${binder.bind('Array(UInt64)', seqs)})`;
  const once = `SELECT * FROM delivery_attempts
WHERE tenant_id = ${binder.bind('String', tenantId)}
  AND started_at >= fromUnixTimestamp64Milli(${binder.bind('Int64', receivedAtMs - skewMs)}, 'UTC')
  AND ${covers}
LIMIT 1 BY attempt_id`;
  const turn = `row_number() OVER (
  PARTITION BY subscription_id ORDER BY outcome = 'delivered' DESC, started_at DESC, attempt_id DESC
)`;
  const sql = `SELECT ${attemptSelection}
FROM (
  SELECT *, ${turn} AS turn FROM (${once})
  ORDER BY turn, subscription_id
  LIMIT ${binder.bind('UInt64', limit)}
)
ORDER BY subscription_id, started_at, attempt_id`;
  return { sql, params: binder.params };
}
