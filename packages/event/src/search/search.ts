import type { RangeField, ValueField } from './search-fields.ts';

/**
 * A search as data: what `q` and the filters beside it mean, and what both back ends (the predicate here, SQL in
 * packages/clickhouse) evaluate. Every node is true or false of an event, never unknown. Texts are compared exactly.
 */
export type Search =
  | { readonly kind: 'every' }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Search[] }
  | { readonly kind: 'not'; readonly term: Search }
  | SearchTerm;

export type SearchTerm =
  /** All tokens stand in the search text, in any order. Tokens as `tokensOf` makes them. */
  | { readonly kind: 'words'; readonly tokens: readonly string[] }
  /** One of the values. Of `resource` they are `type:id`, of `ip` addresses or blocks as `canonicalBlock` writes them. */
  | { readonly kind: 'is'; readonly field: ValueField; readonly values: readonly string[] }
  /** The value begins so; `text` is not empty. Never of `ip`. */
  | { readonly kind: 'prefix'; readonly field: ValueField; readonly text: string }
  /** There is a value. Of metadata: the key is there. Never of `status`, which is always there. */
  | { readonly kind: 'present'; readonly field: ValueField }
  /** From `from` on and before `before`; null: no bound. Safe integers. */
  | {
      readonly kind: 'range';
      readonly field: RangeField;
      readonly from: number | null;
      readonly before: number | null;
    };

export const every: Search = { kind: 'every' };
export const nothing: Search = { kind: 'not', term: every };

/** Whether a field is named anywhere in a search. */
export function mentions(search: Search, field: ValueField | RangeField): boolean {
  switch (search.kind) {
    case 'and':
    case 'or':
      return search.terms.some((term) => mentions(term, field));
    case 'not':
      return mentions(search.term, field);
    case 'every':
    case 'words':
      return false;
    case 'is':
    case 'prefix':
    case 'present':
    case 'range':
      return search.field === field;
  }
}
