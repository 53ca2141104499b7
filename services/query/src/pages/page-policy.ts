import type { StoredEventRow } from '@docket/event';
import type { EventPlace } from './event-sql-mapper.ts';

/** Of the first rows of a search by (occurred_at, id): those of the page, newest first by (occurred_at, id, seq). */
export interface Page {
  readonly rows: readonly StoredEventRow[];
  /** The end fell among the rows of this place, which are not in `rows`: as many of them are missing as the page has room. */
  readonly cut: EventPlace | null;
  /** There are rows behind the page. */
  readonly hasMore: boolean;
}

/**
 * @param found at least one row more than `limit`, if there are as many.
 * @param isCut there are more, which had no room: the last one may then have others beside it at its place
 */
export function pageOf(found: readonly StoredEventRow[], limit: number, isCut: boolean): Page {
  const hasMore = isCut || found.length > limit;
  const [last, next] =
    found.length > limit ? [found[limit - 1], found[limit]] : [found.at(-1), isCut ? found.at(-1) : undefined];
  if (last === undefined || next === undefined || !isSamePlace(last, next)) {
    return { rows: found.slice(0, limit).toSorted(bySeqAtOnePlace), cut: null, hasMore };
  }
  const whole = found.slice(0, limit).filter((row) => !isSamePlace(row, last));
  return { rows: whole.toSorted(bySeqAtOnePlace), cut: { occurredAt: last.occurred_at, id: last.id }, hasMore };
}

/** Leaves rows of different places as they are: those of one stand together already, and the order of ids is ClickHouse's. */
function bySeqAtOnePlace(a: StoredEventRow, b: StoredEventRow): number {
  return isSamePlace(a, b) ? b.seq - a.seq : 0;
}

function isSamePlace(a: StoredEventRow, b: StoredEventRow): boolean {
  return a.occurred_at === b.occurred_at && a.id === b.id;
}
