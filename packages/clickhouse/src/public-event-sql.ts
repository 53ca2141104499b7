import { redriveOfKey, type ScopedSearch } from '@docket/event';
import { searchSql } from './search-sql-mapper.ts';
import type { Binder } from './statement-binder.ts';

/**
 * The public event of a row as JSON text, written by ClickHouse: parsed, it equals what `shownEventOf` of the query service
 * makes of the row, with the numbers in changes as they were recorded. One line, because JSON escapes line breaks.
 * Of the view `user` it has neither seq nor counter, and whereabouts of own actions only (I5).
 */
export function publicEventSql({ ownActions }: Pick<ScopedSearch, 'ownActions'>, binder: Binder): string {
  const isOwn = ownActions === null ? null : searchSql(ownActions, binder);
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
    jsonSql('tenant_id'),
    `',"action":'`,
    jsonSql('action'),
    optional('category', 'category'),
    `',"operation":'`,
    jsonSql('operation'),
    `',"outcome":'`,
    jsonSql('outcome'),
    optional('outcome_reason', 'outcome_reason'),
    `',"severity":'`,
    jsonSql('severity'),
    `',"actor":{"type":'`,
    jsonSql('actor_type'),
    `',"id":'`,
    jsonSql('actor_id'),
    optional('name', 'actor_name'),
    optionalMap('actor_metadata'),
    `'}'`,
    onBehalfOf,
    optionalList('resources', 'resources.id', resourcesJsonSql),
    optionalList('changes', 'changes.path', changesJsonSql),
    optional('description', 'description'),
    optionalObject('context', contextFields(isOwn)),
    optionalObject('source', sourceFields(isOwn)),
    optionalMap(isOwn === null ? 'metadata' : metadataForUsersSql),
    `if(status = 'accepted', '', concat(',"status":"', toString(status), '"'))`,
    `'}'`,
  ];
  return `concat(${parts.join(', ')})`;
}

/** The metadata of an event for the view `user`: without the seq of the record that was redriven. */
export const metadataForUsersSql = `mapFilter((k, v) -> k != '${redriveOfKey}', metadata)`;

/** The resources of a row as a JSON array. */
export const resourcesJsonSql = listSql(
  `arrayMap((t, i, n, m) -> concat('{"type":', ${jsonSql('t')}, ',"id":', ${jsonSql('i')}, ${optional('name', 'n')}, ${optionalMap('m')}, '}'), resources.type, resources.id, resources.name, resources.metadata)`,
);

/** The changes of a row as a JSON array; their values are JSON text already. */
export const changesJsonSql = listSql(
  `arrayMap((p, o, n) -> concat('{"path":', ${jsonSql('p')}, ifNull(concat(',"old":', o), ''), ifNull(concat(',"new":', n), ''), '}'), changes.path, changes.old, changes.new)`,
);

/** The format settings under which these texts are as said. */
export const publicEventSettings = { output_format_json_escape_forward_slashes: 0 } as const;

const onBehalfOf = `if(on_behalf_of_id = '', '', concat(',"on_behalf_of":{"type":', ${jsonSql('on_behalf_of_type')}, ',"id":', ${jsonSql('on_behalf_of_id')}, ${optional('name', 'on_behalf_of_name')}, '}'))`;

interface OptionalField {
  readonly member: string;
  /** Is true where the member is there. */
  readonly isThere: string;
}

/** A user sees these of his own actions only. */
const whereabouts: ReadonlySet<string> = new Set(['ip', 'user_agent', 'country', 'session_id']);

function contextFields(isOwn: string | null): OptionalField[] {
  return ['ip', 'user_agent', 'country', 'session_id', 'request_id', 'trace_id'].map((name) =>
    isOwn === null || !whereabouts.has(name)
      ? { member: optional(name, name), isThere: `${name} != ''` }
      : { member: `if(${isOwn}, ${optional(name, name)}, '')`, isThere: `(${isOwn} AND ${name} != '')` },
  );
}

function sourceFields(isOwn: string | null): OptionalField[] {
  const texts = ['service', 'version', 'instance'].map((name) => ({
    member: optional(name, `source_${name}`),
    isThere: `source_${name} != ''`,
  }));
  if (isOwn !== null) return texts;
  const counter = `if(source_counter = 0, '', concat(',"counter":', toString(source_counter)))`;
  return [...texts, { member: counter, isThere: 'source_counter != 0' }];
}

function jsonSql(text: string): string {
  return `toJSONString(${text})`;
}

/** A column of UTC as RFC 3339, with the digits that it has. */
function rfc3339Sql(column: string): string {
  return `replaceOne(toString(${column}), ' ', 'T'), 'Z'`;
}

/** `,"name":"text"`, or nothing. */
function optional(name: string, text: string): string {
  return `if(${text} = '', '', concat(',"${name}":', ${jsonSql(text)}))`;
}

/** As a member called metadata. */
function optionalMap(map: string): string {
  return `if(empty(${map}), '', concat(',"metadata":', ${jsonSql(map)}))`;
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
