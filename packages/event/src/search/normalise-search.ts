import { printSearch } from './print-search.ts';
import type { ValueField } from './search-fields.ts';
import { every, nothing, type Search } from './search.ts';

/**
 * The one form of searches that differ only in how they were written: groups within groups of their kind and double
 * negations are dissolved, what changes nothing is left out, alternatives of one field are one term, and everything that
 * has no order is sorted. It matches the same events, and is its own normal form.
 */
export function normaliseSearch(search: Search): Search {
  switch (search.kind) {
    case 'and':
    case 'or':
      return group(search.kind, search.terms.map(normaliseSearch));
    case 'not': {
      const term = normaliseSearch(search.term);
      return term.kind === 'not' ? term.term : { kind: 'not', term };
    }
    case 'is':
      return search.values.length === 0 ? nothing : { ...search, values: sortedTexts(search.values) };
    case 'words':
      return { ...search, tokens: sortedTexts(search.tokens) };
    case 'range':
      if (search.from === null && search.before === null) return every;
      return search.from !== null && search.before !== null && search.from >= search.before ? nothing : search;
    case 'every':
    case 'prefix':
    case 'present':
      return search;
  }
}

/** The normal form of a group whose terms are in normal form. */
function group(kind: 'and' | 'or', terms: readonly Search[]): Search {
  const neutral = kind === 'and' ? every : nothing;
  const decisive = kind === 'and' ? nothing : every;
  const flat = terms.flatMap((term) => (term.kind === kind ? term.terms : [term]));
  const merged = kind === 'or' ? mergeValues(flat) : flat;
  const byText = new Map(merged.map((term) => [printSearch(term), term]));
  byText.delete(printSearch(neutral));
  if (byText.has(printSearch(decisive))) return decisive;
  const sorted = [...byText].toSorted(([left], [right]) => compareTexts(left, right)).map(([, term]) => term);
  const [only] = sorted;
  if (only === undefined) return neutral;
  return sorted.length === 1 ? only : { kind, terms: sorted };
}

/** One term for all values of a field: one index look-up, one set, instead of many. */
function mergeValues(terms: readonly Search[]): Search[] {
  const values = new Map<ValueField, string[]>();
  const others: Search[] = [];
  for (const term of terms) {
    if (term.kind === 'is') values.set(term.field, [...(values.get(term.field) ?? []), ...term.values]);
    else others.push(term);
  }
  return [...others, ...[...values].map(([field, all]): Search => ({ kind: 'is', field, values: sortedTexts(all) }))];
}

function sortedTexts(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted(compareTexts);
}

/** By UTF-16 units, the same on every machine. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
