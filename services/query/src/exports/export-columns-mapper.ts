import { changesJsonSql, metadataForUsersSql, resourcesJsonSql, searchSql, type Binder } from '@docket/clickhouse';
import type { ScopedSearch } from '@docket/event';

/** A column of the formats that have columns. Absent texts are empty, as in the view `events`. */
interface ExportColumn {
  readonly name: string;
  /** An expression over a row of audit_events. */
  readonly sql: string;
  /** What the text form writes in its place. */
  readonly textSql?: string;
  /** `text`: free text, which a spreadsheet might take for a formula. `value`: it can not begin like one. */
  readonly kind: 'text' | 'value';
  /** Of a user's view. `never`: counts what others do as well. `own`: only of own actions. */
  readonly userSees?: 'never' | 'own';
  /** What a user's view has in its place. */
  readonly forUsers?: Pick<ExportColumn, 'sql' | 'textSql'>;
}

const text = (name: string, sql = name, rest: Partial<ExportColumn> = {}): ExportColumn => ({
  name,
  sql,
  kind: 'text',
  ...rest,
});
const value = (name: string, sql = name, rest: Partial<ExportColumn> = {}): ExportColumn => ({
  name,
  sql,
  kind: 'value',
  ...rest,
});
const rfc3339 = (column: string): string => `concat(replaceOne(toString(${column}), ' ', 'T'), 'Z')`;

const columns: readonly ExportColumn[] = [
  value('id', 'toString(id)'),
  value('seq', 'seq', { userSees: 'never' }),
  value('occurred_at', 'occurred_at', { textSql: rfc3339('occurred_at') }),
  value('received_at', 'received_at', { textSql: rfc3339('received_at') }),
  text('tenant_id'),
  value('status', 'toString(status)'),
  text('action', 'toString(action)'),
  value('category'),
  value('operation'),
  value('outcome'),
  text('outcome_reason'),
  value('severity'),
  text('actor_type'),
  text('actor_id'),
  text('actor_name'),
  value('actor_metadata', 'actor_metadata', { textSql: 'toJSONString(actor_metadata)' }),
  text('on_behalf_of_type'),
  text('on_behalf_of_id'),
  text('on_behalf_of_name'),
  text('resource_type', 'resources.type[1]'),
  text('resource_id', 'resources.id[1]'),
  text('resource_name', 'resources.name[1]'),
  value(
    'resources',
    "CAST(arrayZip(resources.type, resources.id, resources.name, resources.metadata), 'Array(Tuple(type String, id String, name String, metadata Map(String, String)))')",
    { textSql: resourcesJsonSql },
  ),
  value(
    'changes',
    "CAST(arrayZip(changes.path, changes.old, changes.new), 'Array(Tuple(path String, old Nullable(String), new Nullable(String)))')",
    { textSql: changesJsonSql },
  ),
  text('description'),
  text('ip', 'ip', { userSees: 'own' }),
  text('user_agent', 'user_agent', { userSees: 'own' }),
  text('country', 'country', { userSees: 'own' }),
  text('session_id', 'session_id', { userSees: 'own' }),
  text('request_id'),
  text('trace_id'),
  text('service', 'source_service'),
  text('service_version', 'source_version'),
  text('service_instance', 'source_instance'),
  value('service_counter', 'source_counter', { userSees: 'never' }),
  value('metadata', 'metadata', {
    textSql: 'toJSONString(metadata)',
    forUsers: { sql: metadataForUsersSql, textSql: `toJSONString(${metadataForUsersSql})` },
  }),
];

/** What a spreadsheet reads as the beginning of a formula, or skips before one (OWASP, CSV injection). */
const formulaBeginnings = ['=', '+', '-', '@', '\\t', '\\r', '\\n'];

/** Without it ClickHouse would read `ip` in a condition as the column that is selected under this name. */
export const columnSettings = { prefer_column_name_to_alias: 1 } as const;

/** Columns with their own types, for a format that has types. Needs `columnSettings`. */
export function typedColumnsSql(search: ScopedSearch, binder: Binder): string {
  return selection(search, binder, ({ sql }) => sql);
}

/** Columns as text, with `columnSettings` too; what could be taken for a formula gets an apostrophe before it, by which spreadsheets tell a text. */
export function guardedColumnsSql(search: ScopedSearch, binder: Binder): string {
  const beginnings = formulaBeginnings.map((each) => `'${each}'`).join(', ');
  return selection(search, binder, ({ sql, textSql = sql, kind }) =>
    kind === 'value'
      ? textSql
      : `if(substring(${textSql}, 1, 1) IN (${beginnings}), concat('\\'', ${textSql}), ${textSql})`,
  );
}

function selection({ ownActions }: ScopedSearch, binder: Binder, write: (column: ExportColumn) => string): string {
  const isOwn = ownActions === null ? null : searchSql(ownActions, binder);
  return columns
    .filter(({ userSees }) => isOwn === null || userSees !== 'never')
    .map((column) => (isOwn === null ? column : { ...column, ...column.forUsers }))
    .map((column) => {
      const shown = isOwn === null || column.userSees !== 'own' ? column.sql : `if(${isOwn}, ${column.sql}, '')`;
      return `${write({ ...column, sql: shown })} AS \`${column.name}\``;
    })
    .join(', ');
}
