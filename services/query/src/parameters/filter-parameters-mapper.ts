import {
  fieldDeclaration,
  isMetadataField,
  parseSearch,
  searchFields,
  termOf,
  timeRangeOf,
  type EventStatus,
  type FieldName,
  type MetadataField,
  type Search,
  type TermContext,
  type WrittenValue,
} from '@docket/event';
import type { RequestParameters } from './request-parameters-mapper.ts';

const isFieldName = (name: string): name is FieldName => Object.hasOwn(searchFields, name);
const filterNames = Object.keys(searchFields)
  .filter(isFieldName)
  .filter((name) => fieldDeclaration(name).isOnlyInQ !== true);

const metadataPrefix = 'metadata.';
/** As many keys as one event can have: each is a condition of its own, which all reads of the request repeat (I8). */
const metadataKeysMax = 64;

export function isMetadataParameter(name: string): boolean {
  return name.startsWith(metadataPrefix);
}

const statusesOfTenants: readonly EventStatus[] = ['accepted', 'conflict', 'duplicate'];
const statusesOfOperators: readonly EventStatus[] = [...statusesOfTenants, 'quarantined', 'rerouted', 'lost'];

/** The statuses whose rows a caller may see: what could not be read is the operators' affair (design §6). */
export function visibleStatuses(isOperator: boolean): readonly EventStatus[] {
  return isOperator ? statusesOfOperators : statusesOfTenants;
}

const dayMicros = 24 * 60 * 60 * 1_000_000;

export interface FilterRules extends TermContext {
  readonly nowMicros: number;
  /** Longest since..until in days; 0: no limit. */
  readonly rangeDaysMax: number;
}

/**
 * The search that a request's parameters describe: all of them and q hold, and of a repeated one any value. What is wrong is
 * noted in `parameters.errors`; the search then means nothing.
 */
export function searchOfParameters(parameters: RequestParameters, rules: FilterRules): Search {
  const metadataNames = parameters.names().filter(isMetadataParameter);
  if (metadataNames.length > metadataKeysMax) {
    parameters.fail('metadata', `asks for ${metadataNames.length} keys; at most ${metadataKeysMax} are allowed`);
  }
  const terms = [
    ...filterNames.map((name) => filterTerm(parameters, name, rules)),
    ...metadataNames.slice(0, metadataKeysMax).map((name) => metadataTerm(parameters, name, rules)),
    searchOfQ(parameters, rules),
  ];
  const search: Search = { kind: 'and', terms: terms.filter((term) => term !== null) };
  checkRange(parameters, search, rules);
  return search;
}

function filterTerm(parameters: RequestParameters, name: FieldName | MetadataField, rules: TermContext): Search | null {
  const isSingle = name === 'since' || name === 'until';
  const values = isSingle ? [parameters.one(name)].filter((value) => value !== undefined) : parameters.all(name);
  const terms: Search[] = [];
  for (const value of values) {
    const result = termOf(name, writtenValue(name, value), rules);
    if (result.ok) terms.push(result.term);
    else {
      parameters.fail(name, result.detail);
      return null;
    }
  }
  return terms.length === 0 ? null : { kind: 'or', terms };
}

/** Parameters name whole values; only of an action the beginning may be given, as in `user.*`. */
function writtenValue(name: string, text: string): WrittenValue {
  const isPrefix = name === 'action' && text.endsWith('*');
  return { text: isPrefix ? text.slice(0, -1) : text, isPrefix, comparison: null };
}

function metadataTerm(parameters: RequestParameters, name: string, rules: FilterRules): Search | null {
  if (isMetadataField(name)) return filterTerm(parameters, name, rules);
  parameters.fail(name.slice(0, 80), 'has a key of 1 to 64 of [A-Za-z0-9_.-]');
  return null;
}

/** The time that the parameter `since` names, in µs; null when it is absent, or wrong and noted. */
export function sinceOf(parameters: RequestParameters, context: TermContext): number | null {
  const term = filterTerm(parameters, 'since', context);
  return term === null ? null : timeRangeOf(term).from;
}

/** What the parameter q asks for; null when it is absent, or wrong and noted. */
export function searchOfQ(parameters: RequestParameters, context: TermContext): Search | null {
  const q = parameters.one('q');
  if (q === undefined) return null;
  const parsed = parseSearch(q, context);
  if (parsed.ok) return parsed.search;
  const { detail, position, length } = parsed.error;
  parameters.fail('q', `${detail} (at ${position})`, { position, length });
  return null;
}

function checkRange(parameters: RequestParameters, search: Search, { rangeDaysMax, nowMicros }: FilterRules): void {
  const { from, before } = timeRangeOf(search);
  const isNamed = parameters.all('since').length > 0 && parameters.all('until').length > 0;
  if (isNamed && from !== null && before !== null && before <= from) parameters.fail('until', 'is not after since');
  if (rangeDaysMax === 0) return;
  if (from === null) parameters.fail('since', `is required here: a search covers at most ${rangeDaysMax} days`);
  else if ((before ?? nowMicros) - from > rangeDaysMax * dayMicros) {
    parameters.fail('since', `is more than ${rangeDaysMax} days before ${before === null ? 'now' : 'until'}`);
  }
}
