import { isValueField, printSearch, type ValueField } from '@docket/event';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import { facetsAnswer, type FacetsQuery } from '../counts/count-sql-mapper.ts';
import { facetFieldsMax, facetLimit } from '../parameters/endpoint-parameters.ts';
import { getFacetsEndpoint } from '../endpoints.ts';
import type { RequestParameters } from '../parameters/request-parameters-mapper.ts';
import { limitedAs } from '../gate/reader-policy.ts';
import { askedSearch } from './asked-search.ts';
import { anyReaderOf, type Callers } from './caller.ts';
import { parametersOf } from './query-string.ts';
import type { Reader } from './reading-route.ts';

interface FacetsPorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly rangeDaysMax: number;
}

/** GET /v1/events/facets?field=…&limit and the filters of GET /v1/events: see FacetsAnswer. */
export function getFacets({ callers, reader, rangeDaysMax }: FacetsPorts): Reader {
  return async (req, signal) => {
    const credential = await anyReaderOf(callers, req);
    const asker = { keyId: limitedAs(credential), signal };
    const parameters = parametersOf(req, getFacetsEndpoint);
    const limit = parameters.integer(facetLimit);
    const fields = fieldsOf(parameters);
    const { search, question } = askedSearch({ credential, parameters, rangeDaysMax, nowMicros: Date.now() * 1_000 });

    const query: FacetsQuery = { search, fields, limit };
    const body = facetsAnswer(query, await reader.facets(query, asker));
    const reading = {
      credential,
      log: search.tenantId,
      question: `facets ${fields.join(' ')} ${question}`,
      asked: { search: printSearch(search.search), facets: fields.join(' ') },
      eventId: null,
      results: body.total,
    };
    return { reading, body };
  };
}

function fieldsOf(parameters: RequestParameters): ValueField[] {
  const names = [...new Set(parameters.all('field'))];
  const fields = names.filter(isValueField);
  if (fields.length < names.length)
    parameters.fail('field', 'is a field of the search language that has values to count');
  if (names.length === 0 || names.length > facetFieldsMax)
    parameters.fail('field', `stands 1 to ${facetFieldsMax} times`);
  return fields;
}
