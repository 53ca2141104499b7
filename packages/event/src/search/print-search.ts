import { rfc3339OfMicros } from '../occurred-at.ts';
import type { RangeField } from './search-fields.ts';
import type { Search } from './search.ts';

/** Texts of these stand without quotes, whatever field they belong to. */
const bareText = /^[A-Za-z0-9_/@+:.-]+$/;
const bareWord = /^[a-z0-9]+$/;

/** The text of a search; parsing it gives an equal one. The text of a normal form is canonical. */
export function printSearch(search: Search): string {
  switch (search.kind) {
    case 'and':
      return search.terms.map(printPart).join(' ');
    case 'or':
      return search.terms.map(printPart).join(' OR ');
    case 'not':
      return `-${printPart(search.term)}`;
    case 'every':
      return '*';
    case 'words':
      return printWords(search.tokens);
    case 'is':
      return search.values.map((value) => `${search.field}:${printText(value)}`).join(' OR ');
    case 'prefix':
      return `${search.field}:${printText(search.text)}*`;
    case 'present':
      return `${search.field}:*`;
    case 'range':
      return `${search.field}:${printRange(search)}`;
  }
}

/** The text of a search as a part of another one. */
function printPart(search: Search): string {
  const hasParts = search.kind === 'and' || search.kind === 'or' || (search.kind === 'is' && search.values.length > 1);
  return hasParts ? `(${printSearch(search)})` : printSearch(search);
}

function printWords(tokens: readonly string[]): string {
  const text = tokens.join(' ');
  return bareWord.test(text) ? text : quoted(text);
}

function printText(text: string): string {
  return bareText.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

interface Range {
  readonly field: RangeField;
  readonly from: number | null;
  readonly before: number | null;
}

function printRange({ field, from, before }: Range): string {
  const print = (bound: number): string => (field === 'seq' ? String(bound) : rfc3339OfMicros(bound));
  if (from === null) return before === null ? '*' : `<${print(before)}`;
  if (before === null) return `>=${print(from)}`;
  return before === from + 1 ? print(from) : `${print(from)}..${print(before - 1)}`;
}
