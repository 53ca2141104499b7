import { normaliseSearch, printSearch, scopeSearch, type ScopedSearch } from '@docket/event';
import {
  isMetadataParameter,
  searchOfParameters,
  visibleStatuses,
  type FilterRules,
} from '../src/parameters/filter-parameters-mapper.ts';
import { listEventsEndpoint } from '../src/endpoints.ts';
import { requestParameters, type RequestParameters } from '../src/parameters/request-parameters-mapper.ts';

export const rules: FilterRules = {
  statuses: visibleStatuses(false),
  rangeDaysMax: 0,
  nowMicros: Date.UTC(2026, 10, 23) * 1_000,
};

export function parametersOf(query: string): RequestParameters {
  return requestParameters(
    new URLSearchParams(query),
    listEventsEndpoint.parameters.map(({ name }) => name),
    isMetadataParameter,
  );
}

export interface ReadParameters {
  /** What was asked for, in the canonical text of the language. */
  readonly text: string;
  readonly scoped: ScopedSearch;
  /** Names of the wrong parameters. */
  readonly errors: readonly string[];
}

/** Reads a query string as a search of the tenant acme. */
export function parseFilter(query: string, given: Partial<FilterRules> = {}): ReadParameters {
  const parameters = parametersOf(query);
  const asked = { ...rules, ...given };
  const search = searchOfParameters(parameters, asked);
  return {
    text: printSearch(normaliseSearch(search)),
    scoped: scopeSearch(search, { tenantId: 'acme', statuses: asked.statuses, own: null }),
    errors: parameters.errors.map((error) => ('parameter' in error ? error.parameter : '?')),
  };
}
