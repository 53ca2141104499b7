import {
  aheadOfArrivalMsMax,
  blockRange,
  ipv6Text,
  isMetadataField,
  isResourceField,
  metadataKeyOf,
  shownOfField,
  textsOfBlock,
  tokensOf,
  type MetadataField,
  type ResourceField,
  type ScalarField,
  type ScopedSearch,
  type Search,
  type SearchTerm,
  type ValueField,
} from '@docket/event';
import { fieldValueSql, resourceColumns, scalarColumns } from './search-columns.ts';
import { timeSql, type Binder } from './statement-binder.ts';

/**
 * The conditions on audit_events under which a row is found by a search: all of them must hold. The first is the tenant, so
 * that the primary key prunes (I5). They hold of exactly the rows of whose events `compileScoped` is true, and are never
 * NULL, so that a negation finds the rest. Indexed columns are compared in the form of their index.
 */
export function scopedConditions({ tenantId, search }: ScopedSearch, binder: Binder): string[] {
  const terms = search.kind === 'and' ? search.terms : [search];
  return [`tenant_id = ${binder.bind('String', tenantId)}`, ...terms.map((term) => searchSql(term, binder))];
}

/**
 * The value of a field as the scope shows it, to be counted: as `fieldValueSql`, and absent where it is hidden, so that no
 * count tells what no answer shows (I5).
 */
export function shownValueSql({ ownActions }: ScopedSearch, field: ValueField, binder: Binder): string {
  const shownOf = ownActions === null ? 'all' : shownOfField(field);
  if (shownOf === 'none') return "''";
  const value = fieldValueSql(field, binder);
  return shownOf === 'all' || ownActions === null ? value : `if(${searchSql(ownActions, binder)}, ${value}, '')`;
}

/** One search as an expression that may stand in AND, OR and NOT. */
export function searchSql(search: Search, binder: Binder): string {
  return expression(search, { binder, prunes: true });
}

interface Context {
  readonly binder: Binder;
  /** Conditions that only help an index are given: not below a negation, where no index helps and each row would pay. */
  readonly prunes: boolean;
}

function expression(search: Search, context: Context): string {
  switch (search.kind) {
    case 'every':
      return 'true';
    case 'and':
    case 'or':
      if (search.terms.length === 0) return search.kind === 'and' ? 'true' : 'false';
      return `(${search.terms.map((term) => expression(term, context)).join(search.kind === 'and' ? ' AND ' : ' OR ')})`;
    case 'not':
      return `NOT ${expression(search.term, { ...context, prunes: false })}`;
    case 'words':
      return wordsSql(search.tokens, context);
    case 'range':
      return rangeSql(search, context);
    case 'is':
    case 'prefix':
    case 'present':
      return valueSql(search, context);
  }
}

type ValueTerm = Extract<SearchTerm, { readonly kind: 'is' | 'prefix' | 'present' }>;

function valueSql(term: ValueTerm, context: Context): string {
  const { field } = term;
  if (isMetadataField(field)) return metadataSql(term, field, context);
  if (field === 'ip') return addressSql(term, context);
  if (isResourceField(field)) return resourceSql(term, field, context);
  return scalarSql(term, field, context);
}

/** A list of words is not cut into tokens again by ClickHouse: they are tokens already. */
function wordsSql(tokens: readonly string[], { binder }: Context): string {
  return `hasAllTokens(search_text, ${binder.bind('Array(String)', tokens)})`;
}

/** The three ids of where it happened share one index, over the array of all three. */
const tracedFields: ReadonlySet<ScalarField> = new Set<ScalarField>(['session_id', 'request_id', 'trace_id']);

function scalarSql(term: ValueTerm, field: ScalarField, { binder, prunes }: Context): string {
  const column = scalarColumns[field];
  switch (term.kind) {
    case 'present':
      return `${column} != ''`;
    case 'prefix':
      return `startsWith(${column}, ${binder.bind('String', term.text)})`;
    case 'is': {
      const list = binder.bind('Array(String)', term.values);
      const equal = `${column} IN ${list}`;
      return prunes && tracedFields.has(field) ? `(hasAny(trace_keys, ${list}) AND ${equal})` : equal;
    }
  }
}

function resourceSql(term: ValueTerm, field: ResourceField, context: Context): string {
  const { binder, prunes } = context;
  const column = resourceColumns[field];
  switch (term.kind) {
    case 'present':
      return field === 'resource' ? `notEmpty(resources.id)` : `arrayExists(value -> value != '', ${column})`;
    case 'prefix':
      return `arrayExists(value -> startsWith(value, ${binder.bind('String', term.text)}), ${column})`;
    case 'is': {
      const equal = `hasAny(${column}, ${binder.bind('Array(String)', term.values)})`;
      const [only, ...others] = term.values;
      // An id alone has no index of its own, but its words stand in the search text.
      const tokens = field === 'resource_id' && only !== undefined && others.length === 0 ? tokensOf(only) : [];
      return prunes && tokens.length > 0 ? `(${wordsSql(tokens, context)} AND ${equal})` : equal;
    }
  }
}

function metadataSql(term: ValueTerm, field: MetadataField, { binder }: Context): string {
  const key = metadataKeyOf(field);
  switch (term.kind) {
    case 'present':
      return `mapContains(metadata, ${binder.bind('String', key)})`;
    case 'prefix':
      return `startsWith(metadata[${binder.bind('String', key)}], ${binder.bind('String', term.text)})`;
    case 'is':
      return `hasAny(metadata_items, ${binder.bind(
        'Array(String)',
        term.values.map((value) => `${key}=${value}`),
      )})`;
  }
}

function addressSql(term: ValueTerm, { binder }: Context): string {
  if (term.kind !== 'is') return "ip != ''";
  const ranges = term.values.map((block) => {
    const { first, last } = blockRange(block);
    const [from, to] = [binder.bind('IPv6', ipv6Text(first)), binder.bind('IPv6', ipv6Text(last))];
    const isWithin = `ifNull(toIPv6OrNull(ip) BETWEEN ${from} AND ${to}, false)`;
    return [...likelyTexts(block, binder), isWithin].join(' AND ');
  });
  return ranges.length === 0 ? 'false' : `(${ranges.map((range) => `(${range})`).join(' OR ')})`;
}

/**
 * What every text of an address in the block has: only those are parsed, which costs ten times as much. An IPv4 address has one text of
 * its own and, mapped into IPv6, many with a colon.
 */
function likelyTexts(block: string, binder: Binder): string[] {
  const texts = textsOfBlock(block);
  if (texts === null) return [];
  const hasColon = "position(ip, ':') > 0";
  return [texts.prefix === null ? hasColon : `(startsWith(ip, ${binder.bind('String', texts.prefix)}) OR ${hasColon})`];
}

function rangeSql(
  { field, from, before }: Extract<SearchTerm, { readonly kind: 'range' }>,
  { binder, prunes }: Context,
): string {
  const bound = (value: number): string => {
    switch (field) {
      case 'occurred_at':
        return timeSql(value, binder);
      case 'received_at':
        // Kept in ms: it is at or behind a time in µs when it is at or behind the next whole ms.
        return `fromUnixTimestamp64Milli(${binder.bind('Int64', Math.ceil(value / 1_000))}, 'UTC')`;
      case 'seq':
        return binder.bind('UInt64', value);
    }
  };
  const bounds = [
    ...(from === null ? [] : [`${field} >= ${bound(from)}`]),
    ...(from === null || field !== 'occurred_at' || !prunes ? [] : arrivalSql(from, binder)),
    ...(before === null ? [] : [`${field} < ${bound(before)}`]),
  ];
  return bounds.length === 0 ? 'true' : `(${bounds.join(' AND ')})`;
}

/**
 * What happened since then has arrived since a day before: no event is dated further ahead. Months and parts that were full by
 * then are left out, while the primary key alone leaves a granule of each part of the table for every tenant.
 */
function arrivalSql(from: number, binder: Binder): string[] {
  const arrivedMs = Math.floor(from / 1_000) - aheadOfArrivalMsMax;
  return arrivedMs <= 0 ? [] : [`received_at >= fromUnixTimestamp64Milli(${binder.bind('Int64', arrivedMs)}, 'UTC')`];
}
