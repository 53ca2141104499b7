import { rfc3339OfMillis, toPublicAttempt, type AttemptRow, type StoredEventRow } from '@docket/event';
import { kafkaPlaceOf } from '../kafka-place.ts';
import type { TraceAnswer } from './trace-answer.ts';
import type { PlaceRow } from './trace-sql-mapper.ts';

/** More attempts than this tell nothing new: a receiver has been failing for days. */
export const attemptsMax = 1_000;

/**
 * The way of an event: its rows, lowest seq first, and what each subscription's receiver said to the batches that account for it.
 * `places` are of the same rows, for operators; without them the answer names none.
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
  const shown = attempts.slice(0, attemptsMax);
  const bySubscription = new Map<string, AttemptRow[]>();
  for (const attempt of shown) {
    const { subscription_id: id } = attempt;
    bySubscription.set(id, [...(bySubscription.get(id) ?? []), attempt]);
  }
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
    has_more_attempts: attempts.length > attemptsMax,
  };
}
