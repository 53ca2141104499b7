import { rfc3339OfMillis, toPublicAttempt, type AttemptRow, type StoredEventRow } from '@docket/event';
import { kafkaPlaceOf } from '../kafka-place.ts';
import type { TraceAnswer } from './trace-answer.ts';
import type { PlaceRow } from './trace-sql-mapper.ts';

/** Of all subscriptions together; a tenant has 100 at most. More tell nothing new: a receiver has been failing for days. */
export const attemptsMax = 1_000;

/**
 * The way of an event: its rows, lowest seq first, and what each subscription's receiver said to the batches that account for it.
 * `attempts` are those that attemptsStatement gives, with one more than are shown. `places` are of the same rows, for operators; without them the answer names none.
 */
export function traceAnswer(
  rows: readonly StoredEventRow[],
  attempts: readonly AttemptRow[],
  places: readonly PlaceRow[],
): TraceAnswer | null {
  const placeOf = new Map(places.map((place) => [place.seq, kafkaPlaceOf(place)]));
  const storedAs = ({ seq, status, received_at: at }: StoredEventRow) => {
    const source = placeOf.get(seq);
    return { seq, status, received_at: rfc3339OfMillis(at), ...(source === undefined ? {} : { source }) };
  };
  const main = rows.find((row) => row.status === 'accepted') ?? rows[0];
  if (main === undefined) return null;
  const bySubscription = new Map<string, AttemptRow[]>();
  for (const attempt of attempts) {
    const { subscription_id: id } = attempt;
    bySubscription.set(id, [...(bySubscription.get(id) ?? []), attempt]);
  }
  const hasMore = attempts.length > attemptsMax;
  if (hasMore) leaveOneOut(bySubscription);
  return {
    id: main.id,
    tenant_id: main.tenant_id,
    ...storedAs(main),
    occurrences: rows.filter((row) => row !== main).map(storedAs),
    subscriptions: [...bySubscription].map(([id, own]) => ({
      subscription_id: id,
      is_delivered: own.some(({ outcome }) => outcome === 'delivered'),
      attempts: own.map(toPublicAttempt),
    })),
    has_more_attempts: hasMore,
  };
}

/** The one that came in last: of the subscription that has most, the oldest that was not delivered. */
function leaveOneOut(bySubscription: ReadonlyMap<string, AttemptRow[]>): void {
  const most = [...bySubscription.values()].reduce((one, other) => (other.length > one.length ? other : one));
  const oldest = most.findIndex(({ outcome }) => outcome !== 'delivered');
  most.splice(Math.max(oldest, 0), 1);
}
