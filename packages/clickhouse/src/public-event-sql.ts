import { redriveOfKey, type ScopedSearch } from '@docket/event';
import { searchSql } from './search-sql-mapper.ts';
import type { Binder } from './statement-binder.ts';

/** How texts become JSON: arguments of a `concat`. */
interface Writing {
  readonly text: (sql: string) => string;
  readonly map: (sql: string) => string;
}

/** Whatever the texts hold. */
const escaping: Writing = {
  text: (sql) => `toJSONString(${sql})`,
  map: (sql) => `toJSONString(${sql})`,
};

/** The same of texts in which nothing is escaped, at half the price: `toJSONString` looks at each character by itself. */
const copying: Writing = {
  text: (sql) => `'"', ${sql}, '"'`,
  map: (sql) =>
    `'{', arrayStringConcat(arrayMap((k, v) -> concat('"', k, '":"', v, '"'), mapKeys(${sql}), mapValues(${sql})), ','), '}'`,
};

/** Every text that `copying` copies. Changes' values are JSON already, resources' metadata is always escaped. */
const copiedTexts = [
  'tenant_id,action,category,operation,outcome,outcome_reason,severity,description',
  'actor_type,actor_id,actor_name,on_behalf_of_type,on_behalf_of_id,on_behalf_of_name',
  'ip,user_agent,country,session_id,request_id,trace_id,source_service,source_version,source_instance',
  ...['resources.type', 'resources.id', 'resources.name', 'changes.path'].map((list) => `arrayStringConcat(${list})`),
  ...['actor_metadata', 'metadata'].map(
    (map) => `arrayStringConcat(mapKeys(${map})), arrayStringConcat(mapValues(${map}))`,
  ),
].join(', ');
/** Patterns of what `toJSONString` escapes: quotes, backslashes and control characters, and two separators of lines. */
const escapedPatterns = [String.raw`["\\\\\\x00-\\x1f]`, '\u2028', '\u2029'];
const needsEscaping = `multiMatchAny(concat(${copiedTexts}), [${escapedPatterns.map((each) => `'${each}'`).join(', ')}])`;

/**
 * The public event of a row as JSON text, written by ClickHouse: parsed, it equals what `shownEventOf` of the query service
 * makes of the row, with the numbers in changes as they were recorded. One line: JSON escapes the line breaks of texts, and those of changes' values are made spaces.
 * Of the view `user` it has neither seq nor counter, and whereabouts of own actions only (I5).
 */
export function publicEventSql({ ownActions }: Pick<ScopedSearch, 'ownActions'>, binder: Binder): string {
  return eventSql(ownActions === null ? null : searchSql(ownActions, binder), escaping);
}

/**
 * The same text, byte for byte, for statements that read many rows: a row costs 3 µs of a core in place of 5, and understanding the
 * statement 10 ms more.
 */
export function publicEventOfManySql({ ownActions }: Pick<ScopedSearch, 'ownActions'>, binder: Binder): string {
  const isOwn = ownActions === null ? null : searchSql(ownActions, binder);
  return `if(${needsEscaping}, ${eventSql(isOwn, escaping)}, ${eventSql(isOwn, copying)})`;
}

function eventSql(isOwn: string | null, writing: Writing): string {
  const { text } = writing;
  const seq = isOwn === null ? [`',"seq":'`, 'toString(seq)'] : [];
  const parts = [
    `'{"id":"'`,
    'toString(id)',
    `'"'`,
    ...seq,
    `',"occurred_at":"'`,
    rfc3339Sql('occurred_at'),
    `'","received_at":"'`,
    rfc3339Sql('received_at'),
    `'","tenant_id":'`,
    text('tenant_id'),
    `',"action":'`,
    text('action'),
    optional(writing, 'category', 'category'),
    `',"operation":'`,
    text('operation'),
    `',"outcome":'`,
    text('outcome'),
    optional(writing, 'outcome_reason', 'outcome_reason'),
    `',"severity":'`,
    text('severity'),
    `',"actor":{"type":'`,
    text('actor_type'),
    `',"id":'`,
    text('actor_id'),
    optional(writing, 'name', 'actor_name'),
    optionalMap(writing, 'actor_metadata'),
    `'}'`,
    onBehalfOfSql(writing),
    optionalList('resources', 'resources.id', resourcesSql(writing)),
    optionalList('changes', 'changes.path', changesSql(writing)),
    optional(writing, 'description', 'description'),
    optionalObject('context', contextFields(isOwn, writing)),
    optionalObject('source', sourceFields(isOwn, writing)),
    optionalMap(writing, isOwn === null ? 'metadata' : metadataForUsersSql),
    `if(status = 'accepted', '', concat(',"status":"', toString(status), '"'))`,
    `'}'`,
  ];
  return `concat(${parts.join(', ')})`;
}

/** The metadata of an event for the view `user`: without the seq of the record that was redriven. */
export const metadataForUsersSql = `mapFilter((k, v) -> k != '${redriveOfKey}', metadata)`;

/** The resources of a row as a JSON array. */
export const resourcesJsonSql = resourcesSql(escaping);

/** The changes of a row as a JSON array; their values are JSON text already. */
export const changesJsonSql = changesSql(escaping);

/** The format settings under which these texts are as said. */
export const publicEventSettings = { output_format_json_escape_forward_slashes: 0 } as const;

function onBehalfOfSql(writing: Writing): string {
  const { text } = writing;
  return `if(on_behalf_of_id = '', '', concat(',"on_behalf_of":{"type":', ${text('on_behalf_of_type')}, ',"id":', ${text('on_behalf_of_id')}, ${optional(writing, 'name', 'on_behalf_of_name')}, '}'))`;
}

function resourcesSql(writing: Writing): string {
  const { text } = writing;
  return listSql(
    `arrayMap((t, i, n, m) -> concat('{"type":', ${text('t')}, ',"id":', ${text('i')}, ${optional(writing, 'name', 'n')}, ${optionalMap(escaping, 'm')}, '}'), resources.type, resources.id, resources.name, resources.metadata)`,
  );
}

function changesSql({ text }: Writing): string {
  return listSql(
    `arrayMap((p, o, n) -> concat('{"path":', ${text('p')}, ifNull(concat(',"old":', ${oneLine('o')}), ''), ifNull(concat(',"new":', ${oneLine('n')}), ''), '}'), changes.path, changes.old, changes.new)`,
  );
}

/** Producers may break the lines of a JSON text: outside of its strings that is white space, and within them there is none. */
function oneLine(jsonSql: string): string {
  return String.raw`translate(${jsonSql}, '\n\r', '  ')`;
}

interface OptionalField {
  readonly member: string;
  /** Is true where the member is there. */
  readonly isThere: string;
}

/** A user sees these of his own actions only. */
const whereabouts: ReadonlySet<string> = new Set(['ip', 'user_agent', 'country', 'session_id']);

function contextFields(isOwn: string | null, writing: Writing): OptionalField[] {
  return ['ip', 'user_agent', 'country', 'session_id', 'request_id', 'trace_id'].map((name) =>
    isOwn === null || !whereabouts.has(name)
      ? { member: optional(writing, name, name), isThere: `${name} != ''` }
      : { member: `if(${isOwn}, ${optional(writing, name, name)}, '')`, isThere: `(${isOwn} AND ${name} != '')` },
  );
}

function sourceFields(isOwn: string | null, writing: Writing): OptionalField[] {
  const texts = ['service', 'version', 'instance'].map((name) => ({
    member: optional(writing, name, `source_${name}`),
    isThere: `source_${name} != ''`,
  }));
  if (isOwn !== null) return texts;
  const counter = `if(source_counter = 0, '', concat(',"counter":', toString(source_counter)))`;
  return [...texts, { member: counter, isThere: 'source_counter != 0' }];
}

/** A column of UTC as RFC 3339, with the digits that it has. */
function rfc3339Sql(column: string): string {
  return `replaceOne(toString(${column}), ' ', 'T'), 'Z'`;
}

/** `,"name":"text"`, or nothing. */
function optional({ text }: Writing, name: string, sql: string): string {
  return `if(${sql} = '', '', concat(',"${name}":', ${text(sql)}))`;
}

/** As a member called metadata. */
function optionalMap({ map }: Writing, sql: string): string {
  return `if(empty(${sql}), '', concat(',"metadata":', ${map(sql)}))`;
}

function optionalList(name: string, column: string, list: string): string {
  return `if(empty(${column}), '', concat(',"${name}":', ${list}))`;
}

function optionalObject(name: string, fields: readonly OptionalField[]): string {
  const members = `concat(${fields.map(({ member }) => member).join(', ')})`;
  const isThere = fields.map((field) => field.isThere).join(' OR ');
  return `if(${isThere}, concat(',"${name}":{', substring(${members}, 2), '}'), '')`;
}

function listSql(items: string): string {
  return `concat('[', arrayStringConcat(${items}, ','), ']')`;
}
