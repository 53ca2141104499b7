import { eventually } from '@docket/testkit';
import { startMeter } from '../process-meter.ts';
import type { Reader } from './reader.ts';
import type { Subject } from './questions.ts';

export interface ExportResult {
  readonly format: string;
  readonly rowsPerSecond: number;
  readonly bytes: number;
  /** Of the query service. */
  readonly rssMiBPeak: number;
}

const mebibyte = 1024 * 1024;

/** Exports the whole log of a tenant in each format, read as fast as it comes; the rows are those that the export accounts for. */
export async function exportEach(reader: Reader, { tenantId, rows }: Subject): Promise<ExportResult[]> {
  const results: ExportResult[] = [];
  for (const format of ['ndjson', 'csv', 'parquet']) {
    const meter = startMeter(new Map([['query', reader.service.pid]]));
    const beganAtMs = performance.now();
    const response = await reader.open(`/v1/export?tenant_id=${tenantId}&format=${format}`);
    let bytes = 0;
    for await (const chunk of response.body ?? []) bytes += chunk.length;
    const seconds = (performance.now() - beganAtMs) / 1_000;
    const peak = (meter.stop().get('query')?.rssBytesPeak ?? 0) / mebibyte;
    const id = response.headers.get('docket-export-id') ?? '';
    const account = async (): Promise<unknown> => (await reader.open(`/v1/exports/${id}?tenant_id=${tenantId}`)).json();
    const exported = await eventually(
      async () => {
        const answer = await account();
        return typeof answer === 'object' && answer !== null && 'count' in answer ? answer.count : undefined;
      },
      { what: 'the account of the export' },
    );
    if (exported !== rows) throw new Error(`the export in ${format} has ${String(exported)} of ${rows} rows`);
    results.push({ format, rowsPerSecond: rows / seconds, bytes, rssMiBPeak: peak });
  }
  return results;
}
