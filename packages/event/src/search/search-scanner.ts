import { termOf } from './term-of.ts';
import { findField, type FieldName, type MetadataField } from './search-fields.ts';
import { tokensOf } from './search-text.ts';
import { every, type Search } from './search.ts';
import { comparisons, type Comparison, type TermContext } from './written-value.ts';

/** What is wrong with a q, and where: `position` counts UTF-16 units from 1, `length` of them are meant. */
export interface SearchError {
  readonly detail: string;
  readonly position: number;
  readonly length: number;
}

/** A piece of q: [at, end) are its UTF-16 units. */
export type SearchItem = { readonly at: number; readonly end: number } & (
  { readonly kind: 'open' | 'close' | 'not' | 'and' | 'or' } | { readonly kind: 'term'; readonly term: Search }
);

type Scanned = { readonly ok: true; readonly item: SearchItem } | { readonly ok: false; readonly error: SearchError };
type Quoted =
  | { readonly ok: true; readonly text: string; readonly end: number }
  | { readonly ok: false; readonly error: SearchError };

/** More tokens in one piece of text are no search for words; ClickHouse reads a list of each. */
const wordTokensMax = 32;

const keywords: ReadonlyMap<string, 'and' | 'or' | 'not'> = new Map([
  ['AND', 'and'],
  ['OR', 'or'],
  ['NOT', 'not'],
]);

export function failure(detail: string, at: number, end: number): { readonly ok: false; readonly error: SearchError } {
  return { ok: false, error: { detail, position: at + 1, length: Math.max(1, end - at) } };
}

export function isSpace(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit < 0x80 ? unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) : /\s/.test(text.charAt(at));
}

/** The piece that begins at `at`, which is no space. Looks at each unit a bounded number of times. */
export function scanItem(text: string, at: number, context: TermContext): Scanned {
  switch (text.charAt(at)) {
    case '(':
      return { ok: true, item: { kind: 'open', at, end: at + 1 } };
    case ')':
      return { ok: true, item: { kind: 'close', at, end: at + 1 } };
    case '-':
      if (at + 1 === text.length || isSpace(text, at + 1) || text[at + 1] === ')') {
        return failure('nothing stands behind -', at, at + 1);
      }
      return { ok: true, item: { kind: 'not', at, end: at + 1 } };
    case '"': {
      const quoted = scanQuoted(text, at);
      return quoted.ok ? wordsItem(quoted.text, at, quoted.end, text) : quoted;
    }
    default: {
      const end = bareEnd(text, at);
      const colon = text.slice(at, end).indexOf(':');
      return colon < 0 ? scanWord(text, at, end) : scanField(text, at, at + colon, context);
    }
  }
}

/** Where a text without quotes ends: at a space, a quote or a parenthesis. */
function bareEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isSpace(text, at) && !'"()'.includes(text.charAt(at))) at += 1;
  return at;
}

function scanWord(text: string, at: number, end: number): Scanned {
  const word = text.slice(at, end);
  const keyword = keywords.get(word);
  if (keyword !== undefined) return { ok: true, item: { kind: keyword, at, end } };
  if (word === '*') return closed({ kind: 'term', term: every, at, end }, text);
  if (word.includes('*')) {
    return failure('words are found as a whole: a * stands only at the end of the value of a field', at, end);
  }
  return wordsItem(word, at, end, text);
}

function wordsItem(words: string, at: number, end: number, text: string): Scanned {
  const tokens = tokensOf(words);
  if (tokens.length === 0) return failure('there is no letter or digit to look for', at, end);
  if (tokens.length > wordTokensMax) return failure(`more than ${wordTokensMax} words in one text`, at, end);
  return closed({ kind: 'term', term: { kind: 'words', tokens }, at, end }, text);
}

function scanField(text: string, at: number, colon: number, context: TermContext): Scanned {
  const found = findField(text.slice(at, colon));
  if (!found.ok) return failure(colon === at ? 'no field is named before :' : found.detail, at, colon);
  const comparison = comparisons.find((operator) => text.startsWith(operator, colon + 1)) ?? null;
  const valueAt = colon + 1 + (comparison?.length ?? 0);
  const value = text[valueAt] === '"' ? scanQuotedValue(text, valueAt) : scanBareValue(text, valueAt);
  if (!value.ok) return value;
  return fieldItem(found.name, { ...value, comparison, at, colon }, text, context);
}

type ScannedValue =
  | { readonly ok: true; readonly text: string; readonly isPrefix: boolean; readonly end: number }
  | { readonly ok: false; readonly error: SearchError };

function scanQuotedValue(text: string, at: number): ScannedValue {
  const quoted = scanQuoted(text, at);
  if (!quoted.ok) return quoted;
  const isPrefix = text[quoted.end] === '*';
  return { ok: true, text: quoted.text, isPrefix, end: isPrefix ? quoted.end + 1 : quoted.end };
}

function scanBareValue(text: string, at: number): ScannedValue {
  const end = bareEnd(text, at);
  const star = text.slice(at, end).indexOf('*');
  if (star < 0) return { ok: true, text: text.slice(at, end), isPrefix: false, end };
  if (at + star < end - 1) {
    return failure('a * stands only at the end; quote the value to mean the character', at + star, at + star + 1);
  }
  return { ok: true, text: text.slice(at, end - 1), isPrefix: true, end };
}

interface FieldValue {
  readonly text: string;
  readonly isPrefix: boolean;
  readonly comparison: Comparison | null;
  readonly at: number;
  readonly colon: number;
  readonly end: number;
}

function fieldItem(name: FieldName | MetadataField, value: FieldValue, text: string, context: TermContext): Scanned {
  const { at, colon, end } = value;
  const result = termOf(name, value, context);
  if (!result.ok) return failure(`\`${text.slice(at, colon)}\` ${result.detail}`, colon + 1, end);
  return closed({ kind: 'term', term: result.term, at, end }, text);
}

/** A term ends at a space, a closing parenthesis or the end: what else follows is a mistake in quoting. */
function closed(item: SearchItem, text: string): Scanned {
  const { end } = item;
  if (end === text.length || isSpace(text, end) || text[end] === ')') return { ok: true, item };
  return failure(`a space is missing before ${text.charAt(end)}, or a quote around the whole value`, end, end + 1);
}

/** A text in quotes, from its first one; \" and \\ stand for " and \. */
function scanQuoted(text: string, at: number): Quoted {
  let read = '';
  let from = at + 1;
  for (let next = from; next < text.length; next += 1) {
    if (text[next] === '"') return { ok: true, text: read + text.slice(from, next), end: next + 1 };
    if (text[next] !== '\\') continue;
    const escaped = text[next + 1];
    if (escaped !== '"' && escaped !== '\\') {
      return failure('within quotes a \\ stands only before " or another \\', next, next + 1);
    }
    read += text.slice(from, next) + escaped;
    from = next + 2;
    next += 1;
  }
  return failure('this quote is not closed', at, at + 1);
}
