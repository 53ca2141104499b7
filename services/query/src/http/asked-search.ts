import { printSearch, scopeSearch, type ScopedSearch, type Search } from '@docket/event';
import { searchOfParameters, visibleStatuses } from '../parameters/filter-parameters-mapper.ts';
import type { Caller } from '../gate/reader-policy.ts';
import type { RequestParameters } from '../parameters/request-parameters-mapper.ts';
import { isOperator, scopeOf } from './caller.ts';
import { requireValid } from './query-string.ts';

interface Asking {
  readonly credential: Caller;
  readonly parameters: RequestParameters;
  readonly rangeDaysMax: number;
  /** µs since the epoch: what relative times count from. */
  readonly nowMicros: number;
}

export interface AskedSearch {
  readonly search: ScopedSearch;
  /** The same text for the same search within some minutes: its relative times count from a round one. */
  readonly question: string;
}

const roundMicros = 300_000_000;

/**
 * The search that a request asks for, within what its credential may see. `narrow` adds to it what the endpoint needs, and
 * notes in the parameters what is wrong. Throws `invalid_request` naming all that is wrong, and what `tenantOf` throws.
 */
export function askedSearch(
  { credential, parameters, rangeDaysMax, nowMicros }: Asking,
  narrow: (asked: Search) => Search = (asked) => asked,
): AskedSearch {
  const statuses = visibleStatuses(isOperator(credential));
  const asked = narrow(searchOfParameters(parameters, { statuses, rangeDaysMax, nowMicros }));
  const named = parameters.one('tenant_id');
  requireValid(parameters);
  const scope = scopeOf(credential, named);
  const roundly = { statuses, rangeDaysMax: 0, nowMicros: Math.floor(nowMicros / roundMicros) * roundMicros };
  return {
    search: scopeSearch(asked, scope),
    question: printSearch(scopeSearch(searchOfParameters(parameters, roundly), scope).search),
  };
}
