import type { EventFilter } from '../src/event-filter.ts';
import {
  filterOfParameters,
  filterParameters,
  isMetadataParameter,
  type FilterRules,
} from '../src/filter-parameters-mapper.ts';
import { requestParameters, type RequestParameters } from '../src/request-parameters-mapper.ts';

export const rules: FilterRules = { isOperator: false, rangeDaysMax: 0, nowMicros: Date.UTC(2026, 10, 23) * 1_000 };

export function parametersOf(query: string): RequestParameters {
  return requestParameters(new URLSearchParams(query), [...filterParameters, 'limit'], isMetadataParameter);
}

/** Parses a query string; `errors` are the names of the wrong parameters. */
export function parseFilter(
  query: string,
  given: Partial<FilterRules> = {},
): { filter: EventFilter; errors: string[] } {
  const parameters = parametersOf(query);
  const filter = filterOfParameters(parameters, { ...rules, ...given });
  return { filter, errors: parameters.errors.map((error) => ('parameter' in error ? error.parameter : '?')) };
}
