import { createExportUrlEndpoint } from '../exports/export-endpoints.ts';
import { exportFormatNames, type ExportFormatName } from '../exports/export-sql-mapper.ts';
import type { Caller } from '../gate/reader-policy.ts';
import type { RequestParameters } from '../parameters/request-parameters-mapper.ts';
import { askedSearch, type AskedSearch } from './asked-search.ts';
import { parametersOfQuery } from './query-string.ts';

interface Asking {
  readonly caller: Caller;
  readonly query: URLSearchParams;
  readonly rangeDaysMax: number;
  /** µs since the epoch: what relative times count from. */
  readonly nowMicros: number;
}

/** The export that a query string asks for, within what its caller may see. Throws what `askedSearch` throws. */
export function askedExport({ caller, query, rangeDaysMax, nowMicros }: Asking): AskedSearch & {
  readonly format: ExportFormatName;
} {
  const parameters = parametersOfQuery(query, createExportUrlEndpoint);
  const format = formatOf(parameters);
  return { ...askedSearch({ credential: caller, parameters, rangeDaysMax, nowMicros }), format };
}

function formatOf(parameters: RequestParameters): ExportFormatName {
  const name = parameters.one('format') ?? 'ndjson';
  const format = exportFormatNames.find((known) => known === name);
  if (format === undefined) parameters.fail('format', `is one of ${exportFormatNames.join(', ')}`);
  return format ?? 'ndjson';
}
