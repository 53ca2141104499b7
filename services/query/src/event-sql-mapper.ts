import { createBinder, scopedConditions, storedEventSelection, timeSql, type Statement } from '@docket/clickhouse';
import type { ScopedSearch } from '@docket/event';
import type { PagePosition } from './cursor-mapper.ts';

export interface PageQuery {
  readonly search: ScopedSearch;
  /** Rows behind this one; null: from the newest. */
  readonly after: PagePosition | null;
  readonly limit: number;
}

/**
 * One page of a search, newest first by (occurred_at, id, seq). The primary key ends in (occurred_at, id), so ClickHouse reads
 * backwards from the position and stops at the limit; only this form of the comparison prunes, a tuple's does not.
 */
export function pageStatement({ search, after, limit }: PageQuery): Statement {
  const binder = createBinder();
  const clauses = scopedConditions(search, binder);
  if (after !== null) {
    const time = timeSql(after.occurredAt, binder);
    const id = binder.bind('UUID', after.id);
    const seq = binder.bind('UInt64', after.seq);
    clauses.push(`occurred_at <= ${time}`, `(occurred_at < ${time} OR id < ${id} OR (id = ${id} AND seq < ${seq}))`);
  }
  const sql = `SELECT ${storedEventSelection} FROM audit_events
WHERE ${clauses.join('\n  AND ')}
ORDER BY occurred_at DESC, id DESC, seq DESC
LIMIT ${binder.bind('UInt64', limit)}`;
  return { sql, params: binder.params };
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
