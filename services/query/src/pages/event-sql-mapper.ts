import {
  createBinder,
  scopedConditions,
  searchSql,
  storedEventSelection,
  timeSql,
  type Binder,
  type Statement,
} from '@docket/clickhouse';
import type { ScopedSearch, TimeRange } from '@docket/event';
import type { PagePosition } from './cursor-mapper.ts';

export interface PageQuery {
  readonly search: ScopedSearch;
  /** Rows behind this one; null: from the newest. */
  readonly after: PagePosition | null;
  readonly limit: number;
  /** Rows of this part of the log only; left out: of all of it. */
  readonly within?: TimeRange;
}

/** Where the rows of one event lie: a re-sent id has several, told apart by their seq alone. */
export type EventPlace = Pick<PagePosition, 'occurredAt' | 'id'>;

/**
 * One page of a search, newest first by (occurred_at, id), which is how the primary key ends: ClickHouse reads backwards from the
 * position and stops at the limit. Ordered by seq too it would read the whole log first; `pageOf` and `placeStatement` see to
 * rows of one place. Only this form of the comparison prunes, a tuple's does not.
 */
export function pageStatement(query: PageQuery): Statement {
  const binder = createBinder();
  const sql = `SELECT ${storedEventSelection} FROM audit_events
WHERE ${pageConditions(query, binder).join('\n  AND ')}
ORDER BY occurred_at DESC, id DESC
LIMIT ${binder.bind('UInt64', query.limit)}`;
  return { sql, params: binder.params };
}

/** The rows of a page that lie at one place, of the highest seq first. */
export function placeStatement(query: PageQuery, place: EventPlace): Statement {
  const binder = createBinder();
  const clauses = [
    ...pageConditions(query, binder),
    `occurred_at = ${timeSql(place.occurredAt, binder)}`,
    `id = ${binder.bind('UUID', place.id)}`,
  ];
  const sql = `SELECT ${storedEventSelection} FROM audit_events
WHERE ${clauses.join('\n  AND ')}
ORDER BY seq DESC
LIMIT ${binder.bind('UInt64', query.limit)}`;
  return { sql, params: binder.params };
}

function pageConditions({ search, after, within }: PageQuery, binder: Binder): string[] {
  const clauses = scopedConditions(search, binder);
  if (within !== undefined) clauses.push(searchSql({ kind: 'range', field: 'occurred_at', ...within }, binder));
  if (after === null) return clauses;
  const time = timeSql(after.occurredAt, binder);
  const id = binder.bind('UUID', after.id);
  const seq = binder.bind('UInt64', after.seq);
  return [
    ...clauses,
    `occurred_at <= ${time}`,
    `(occurred_at < ${time} OR id < ${id} OR (id = ${id} AND seq < ${seq}))`,
  ];
}

/** The rows of an id that a search finds: as many as producers sent it. */
export function eventStatement(search: ScopedSearch, id: string, limit: number): Statement {
  const binder = createBinder();
  const clauses = [...scopedConditions(search, binder), `id = ${binder.bind('UUID', id)}`];
  const sql = `SELECT ${storedEventSelection} FROM audit_events
WHERE ${clauses.join(' AND ')}
ORDER BY seq
LIMIT ${binder.bind('UInt64', limit)}`;
  return { sql, params: binder.params };
}
