import { isWellFormed } from '../text-limits.ts';
import { normaliseSearch } from './normalise-search.ts';
import { failure, isSpace, scanItem, type SearchError, type SearchItem } from './search-scanner.ts';
import { every, type Search } from './search.ts';
import type { TermContext } from './written-value.ts';

/** UTF-16 units of a q: the longest value an event can have (2 KiB of metadata), and as much again. */
export const searchUnitsMax = 4_096;
/** Terms of a q: each costs a pass over the events that are left. */
export const searchTermsMax = 64;
/** Parentheses within parentheses: more is no question that a person asks. */
export const searchDepthMax = 16;

export type ParsedSearch =
  { readonly ok: true; readonly search: Search } | { readonly ok: false; readonly error: SearchError };

/**
 * The meaning of a q, in normal form; a q of spaces means every event. Never throws, and takes time in proportion to the
 * length of q, whatever it holds.
 */
export function parseSearch(text: string, context: TermContext): ParsedSearch {
  if (text.length > searchUnitsMax) {
    return failure(
      `q has ${text.length} characters; at most ${searchUnitsMax} are allowed`,
      searchUnitsMax,
      text.length,
    );
  }
  if (!isWellFormed(text)) return failure('q holds a lone surrogate, which is no character', 0, text.length);
  let level = openLevel(0, null);
  let terms = 0;
  let depth = 0;
  for (let at = 0; at < text.length;) {
    if (isSpace(text, at)) {
      at += 1;
      continue;
    }
    const scanned = scanItem(text, at, context);
    if (!scanned.ok) return scanned;
    const { item } = scanned;
    if (item.kind === 'term' && ++terms > searchTermsMax) {
      return failure(`more than ${searchTermsMax} terms`, item.at, item.end);
    }
    if (item.kind === 'open' && ++depth > searchDepthMax) {
      return failure(`more than ${searchDepthMax} parentheses within each other`, item.at, item.end);
    }
    if (item.kind === 'close') depth -= 1;
    const next = step(level, item, text);
    if (!next.ok) return next;
    level = next.level;
    at = item.end;
  }
  if (level.parent !== null) return failure('this parenthesis is not closed', level.at, level.at + 1);
  if (level.last === null) return { ok: true, search: every };
  const incomplete = expectation(level);
  if (incomplete !== null) return incomplete;
  return { ok: true, search: normaliseSearch(searchOf(level)) };
}

/** What stands between two parentheses, or in all of q, as far as it was read: alternatives of terms that all hold. */
interface Level {
  readonly at: number;
  readonly parent: Level | null;
  readonly alternatives: Search[][];
  terms: Search[];
  /** The next term is negated. */
  isNegated: boolean;
  /** The piece before: a term, a word that needs one behind it, or null at the beginning. */
  last: SearchItem | null;
}

type Stepped = { readonly ok: true; readonly level: Level } | { readonly ok: false; readonly error: SearchError };

function openLevel(at: number, parent: Level | null): Level {
  return { at, parent, alternatives: [], terms: [], isNegated: false, last: null };
}

function step(level: Level, item: SearchItem, text: string): Stepped {
  switch (item.kind) {
    case 'term':
      addTerm(level, item.term, item);
      return { ok: true, level };
    case 'not':
      level.isNegated = !level.isNegated;
      level.last = item;
      return { ok: true, level };
    case 'and':
    case 'or': {
      if (!endsInTerm(level))
        return failure(`nothing stands before ${text.slice(item.at, item.end)}`, item.at, item.end);
      if (item.kind === 'or') {
        level.alternatives.push(level.terms);
        level.terms = [];
      }
      level.last = item;
      return { ok: true, level };
    }
    case 'open':
      return { ok: true, level: openLevel(item.at, level) };
    case 'close':
      return closeLevel(level, item, text);
  }
}

function closeLevel(level: Level, item: SearchItem, text: string): Stepped {
  if (level.parent === null) return failure('this parenthesis was not opened', item.at, item.end);
  if (level.last === null) return failure('nothing stands between the parentheses', level.at, item.end);
  const incomplete = expectation(level);
  if (incomplete !== null) return incomplete;
  const after = item.end;
  if (after < text.length && !isSpace(text, after) && text[after] !== ')') {
    return failure(`a space is missing before ${text.charAt(after)}`, after, after + 1);
  }
  addTerm(level.parent, searchOf(level), item);
  return { ok: true, level: level.parent };
}

function addTerm(level: Level, term: Search, item: SearchItem): void {
  level.terms.push(level.isNegated ? { kind: 'not', term } : term);
  level.isNegated = false;
  level.last = item;
}

function endsInTerm({ last }: Level): boolean {
  return last !== null && (last.kind === 'term' || last.kind === 'close');
}

const writtenAs: Readonly<Record<string, string>> = { and: 'AND', or: 'OR', not: 'NOT' };

/** The error of a level that ends where a term has to follow. */
function expectation(level: Level): { readonly ok: false; readonly error: SearchError } | null {
  const { last } = level;
  if (last === null || endsInTerm(level)) return null;
  return failure(`nothing stands behind ${writtenAs[last.kind] ?? ''}`, last.at, last.end);
}

function searchOf({ alternatives, terms }: Level): Search {
  return { kind: 'or', terms: [...alternatives, terms].map((all) => ({ kind: 'and', terms: all })) };
}
