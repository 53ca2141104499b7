import type { AuditEvent, Resource } from '../audit-event.ts';
import type { StoredAs } from '../public-event.ts';
import { addressDigits, blockRange } from './ip-block.ts';
import {
  isMetadataField,
  isResourceField,
  metadataKeyOf,
  type MetadataField,
  type RangeField,
  type ResourceField,
  type ScalarField,
} from './search-fields.ts';
import { holdsToken, searchTextOf } from './search-text.ts';
import type { Search, SearchTerm } from './search.ts';

/** An event and its place in the log: what a row of audit_events holds of it. */
export interface LoggedEvent extends StoredAs {
  readonly event: AuditEvent;
}

export type EventMatcher = (logged: LoggedEvent) => boolean;

/**
 * The predicate of a search: true of exactly the events whose rows the SQL of packages/clickhouse finds. Compile once for
 * many events; it keeps nothing of them.
 */
export function compileSearch(search: Search): EventMatcher {
  const matches = compileNode(search);
  return (logged) => matches({ logged, searchText: null });
}

/** One event under test. Its search text is made when the first words ask for it. */
interface Subject {
  readonly logged: LoggedEvent;
  searchText: string | null;
}

type Test = (subject: Subject) => boolean;

function compileNode(search: Search): Test {
  switch (search.kind) {
    case 'and': {
      const tests = search.terms.map(compileNode);
      return (subject) => tests.every((test) => test(subject));
    }
    case 'or': {
      const tests = search.terms.map(compileNode);
      return (subject) => tests.some((test) => test(subject));
    }
    case 'not': {
      const test = compileNode(search.term);
      return (subject) => !test(subject);
    }
    case 'every':
      return () => true;
    case 'words': {
      const { tokens } = search;
      return (subject) => {
        const text = (subject.searchText ??= searchTextOf(subject.logged.event));
        return tokens.length > 0 && tokens.every((token) => holdsToken(text, token));
      };
    }
    case 'range':
      return compileRange(search);
    case 'is':
    case 'prefix':
    case 'present':
      return compileValue(search);
  }
}

type ValueTerm = Extract<SearchTerm, { readonly kind: 'is' | 'prefix' | 'present' }>;

function compileValue(term: ValueTerm): Test {
  const { field } = term;
  if (isMetadataField(field)) return compileMetadata(term, field);
  if (field === 'ip') return compileAddress(term);
  const fits = textTest(term);
  if (isResourceField(field)) {
    const read = resourceTexts[field];
    return ({ logged }) => logged.event.resources.some((resource) => fits(read(resource)));
  }
  const read = scalarTexts[field];
  return ({ logged }) => fits(read(logged));
}

/** Whether a text fits a term; the empty text is an absent one. */
function textTest(term: ValueTerm): (text: string) => boolean {
  switch (term.kind) {
    case 'present':
      return (text) => text !== '';
    case 'prefix': {
      const { text: beginning } = term;
      return (text) => text.startsWith(beginning);
    }
    case 'is': {
      const [only, ...others] = term.values;
      if (others.length === 0) return (text) => text === only;
      const values = new Set(term.values);
      return (text) => values.has(text);
    }
  }
}

const scalarTexts: Readonly<Record<ScalarField, (logged: LoggedEvent) => string>> = {
  action: ({ event }) => event.action,
  actor_id: ({ event }) => event.actor.id,
  actor_type: ({ event }) => event.actor.type,
  on_behalf_of_id: ({ event }) => event.on_behalf_of?.id ?? '',
  on_behalf_of_type: ({ event }) => event.on_behalf_of?.type ?? '',
  category: ({ event }) => event.category ?? '',
  operation: ({ event }) => event.operation,
  outcome: ({ event }) => event.outcome,
  severity: ({ event }) => event.severity,
  service: ({ event }) => event.source.service,
  session_id: ({ event }) => event.context.session_id,
  request_id: ({ event }) => event.context.request_id,
  trace_id: ({ event }) => event.context.trace_id,
  status: ({ status }) => status,
};

const resourceTexts: Readonly<Record<ResourceField, (resource: Resource) => string>> = {
  resource: ({ type, id }) => `${type}:${id}`,
  resource_type: ({ type }) => type,
  resource_id: ({ id }) => id,
};

function compileMetadata(term: ValueTerm, field: MetadataField): Test {
  const key = metadataKeyOf(field);
  const fits = term.kind === 'present' ? () => true : textTest(term);
  return ({ logged }) => {
    const { metadata } = logged.event;
    return Object.hasOwn(metadata, key) && fits(metadata[key] ?? '');
  };
}

function compileAddress(term: ValueTerm): Test {
  if (term.kind !== 'is') return ({ logged }) => logged.event.context.ip !== '';
  const ranges = term.values.map(blockRange);
  return ({ logged }) => {
    const { ip } = logged.event.context;
    const address = ip === '' ? null : addressDigits(ip);
    return address !== null && ranges.some(({ first, last }) => first <= address && address <= last);
  };
}

const rangeValues: Readonly<Record<RangeField, (logged: LoggedEvent) => number>> = {
  occurred_at: ({ event, receivedAtMs }) => event.occurred_at ?? receivedAtMs * 1_000,
  received_at: ({ receivedAtMs }) => receivedAtMs * 1_000,
  seq: ({ seq }) => seq,
};

function compileRange({ field, from, before }: Extract<SearchTerm, { readonly kind: 'range' }>): Test {
  const read = rangeValues[field];
  const [first, end] = [from ?? Number.NEGATIVE_INFINITY, before ?? Number.POSITIVE_INFINITY];
  return ({ logged }) => {
    const value = read(logged);
    return value >= first && value < end;
  };
}
