import { storedEventSelection } from '@docket/clickhouse';
import type { EventStatus } from '@docket/event';
import type { PagePosition } from './cursor-mapper.ts';
import type { Condition, EventFilter } from './event-filter.ts';

/** A statement and the values of its parameters: no value of a caller ever stands in the text. */
export interface Statement {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface PageQuery {
  /** The scope: which log is read. Decided by the credential, never by a filter. */
  readonly tenantId: string;
  readonly filter: EventFilter;
  /** Rows behind this one; null: from the newest. */
  readonly after: PagePosition | null;
  readonly limit: number;
}

/**
 * One page of a search, newest first by (occurred_at, id, seq). The primary key ends in (occurred_at, id), so ClickHouse reads
 * backwards from the position and stops at the limit; only this form of the comparison prunes, a tuple's does not.
 */
export function pageStatement({ tenantId, filter, after, limit }: PageQuery): Statement {
  const binder = createBinder();
  const clauses = [`tenant_id = ${binder.bind('String', tenantId)}`, statusClause(filter.statuses, binder)];
  if (filter.since !== null) clauses.push(`occurred_at >= ${timeSql(filter.since, binder)}`);
  if (filter.until !== null) clauses.push(`occurred_at < ${timeSql(filter.until, binder)}`);
  for (const condition of filter.conditions) clauses.push(conditionSql(condition, binder));
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

/** All rows of an id in a log: as many as producers sent it. */
export function eventStatement(
  tenantId: string,
  id: string,
  statuses: readonly EventStatus[],
  limit: number,
): Statement {
  const binder = createBinder();
  const clauses = [
    `tenant_id = ${binder.bind('String', tenantId)}`,
    `id = ${binder.bind('UUID', id)}`,
    statusClause(statuses, binder),
  ];
  const sql = `SELECT ${storedEventSelection} FROM audit_events
WHERE ${clauses.join(' AND ')}
ORDER BY seq
LIMIT ${binder.bind('UInt64', limit)}`;
  return { sql, params: binder.params };
}

interface Binder {
  readonly params: Record<string, unknown>;
  /** Gives the placeholder of a value. */
  bind(type: string, value: unknown): string;
}

function createBinder(): Binder {
  const params: Record<string, unknown> = {};
  return {
    params,
    bind(type, value) {
      const name = `p${Object.keys(params).length}`;
      params[name] = value;
      return `{${name}:${type}}`;
    },
  };
}

function statusClause(statuses: readonly EventStatus[], binder: Binder): string {
  return `status IN ${binder.bind('Array(String)', statuses)}`;
}

function timeSql(micros: number, binder: Binder): string {
  return `fromUnixTimestamp64Micro(${binder.bind('Int64', micros)}, 'UTC')`;
}

function conditionSql(condition: Condition, binder: Binder): string {
  switch (condition.kind) {
    case 'exact':
      return exactSql(condition.column, condition.values, binder);
    case 'action':
      return actionSql(condition.names, condition.prefixes, binder);
    case 'resource':
      return `hasAny(resource_keys, ${binder.bind('Array(String)', condition.keys)})`;
    case 'resource_type':
      return `hasAny(resources.type, ${binder.bind('Array(String)', condition.values)})`;
    case 'resource_id':
      return `hasAny(resources.id, ${binder.bind('Array(String)', condition.values)})`;
    case 'metadata':
      return `hasAny(metadata_items, ${binder.bind('Array(String)', condition.items)})`;
    case 'ip':
      return anyOf(
        condition.ranges.map(
          ({ from, to }) => `toIPv6OrNull(ip) BETWEEN ${binder.bind('IPv6', from)} AND ${binder.bind('IPv6', to)}`,
        ),
      );
  }
}

/** The three ids of where it happened share one index, over the array of all three. */
const tracedColumns: ReadonlySet<string> = new Set(['session_id', 'request_id', 'trace_id']);

function exactSql(column: string, values: readonly string[], binder: Binder): string {
  const list = binder.bind('Array(String)', values);
  return tracedColumns.has(column) ? `hasAny(trace_keys, ${list}) AND ${column} IN ${list}` : `${column} IN ${list}`;
}

function actionSql(names: readonly string[], prefixes: readonly string[], binder: Binder): string {
  return anyOf([
    ...(names.length === 0 ? [] : [`action IN ${binder.bind('Array(String)', names)}`]),
    ...prefixes.map((prefix) => `startsWith(action, ${binder.bind('String', prefix)})`),
  ]);
}

function anyOf(clauses: readonly string[]): string {
  return `(${clauses.join(' OR ')})`;
}
