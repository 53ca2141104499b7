import { eventually } from '@docket/testkit';
import { usageOf } from '../process-meter.ts';
import type { Reader } from './reader.ts';
import type { Subject } from './questions.ts';

export interface ExportResult {
  readonly format: string;
  readonly rowsPerSecond: number;
  readonly bytes: number;
  /** Of the query service, from the first tenth of the file on: what it keeps of an export, be it of any size, it keeps by then. */
  readonly rssMiBLeast: number;
  readonly rssMiBPeak: number;
  /** Processor time of a row. */
  readonly queryMicros: number;
  readonly clickhouseMicros: number;
}

interface Exporting {
  readonly reader: Reader;
  readonly clickhousePid: number;
}

const mebibyte = 1024 * 1024;
const sampleIntervalMs = 50;

/** Exports the whole log of a tenant, read as fast as it comes; the rows are those that the export accounts for. */
export async function exportLog(
  { reader, clickhousePid }: Exporting,
  { tenantId, rows }: Pick<Subject, 'tenantId' | 'rows'>,
  format: string,
): Promise<ExportResult> {
  const [queryBefore, clickhouseBefore] = [usageOf(reader.service.pid), usageOf(clickhousePid)];
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(usageOf(reader.service.pid).rssBytes), sampleIntervalMs);
  const beganAtMs = performance.now();
  const { head, bytes } = await reader.download(`/v1/export?tenant_id=${tenantId}&format=${format}`);
  const seconds = (performance.now() - beganAtMs) / 1_000;
  clearInterval(timer);
  const [query, clickhouse] = [usageOf(reader.service.pid), usageOf(clickhousePid)];
  await checkCount(reader, tenantId, /^docket-export-id: (\S+)/im.exec(head)?.[1], rows);
  const settled = samples.slice(Math.floor(samples.length / 10));
  return {
    format,
    rowsPerSecond: rows / seconds,
    bytes,
    rssMiBLeast: Math.min(...settled) / mebibyte,
    rssMiBPeak: Math.max(...settled) / mebibyte,
    queryMicros: ((query.cpuSeconds - queryBefore.cpuSeconds) / rows) * 1_000_000,
    clickhouseMicros: ((clickhouse.cpuSeconds - clickhouseBefore.cpuSeconds) / rows) * 1_000_000,
  };
}

async function checkCount(reader: Reader, tenantId: string, id: unknown, rows: number): Promise<void> {
  const count = await eventually(
    async () => {
      const account = await reader.read(`/v1/exports/${String(id)}?tenant_id=${tenantId}`);
      return typeof account === 'object' && account !== null && 'count' in account ? account.count : undefined;
    },
    { what: 'the account of the export' },
  );
  if (count !== rows) throw new Error(`the export has ${String(count)} of ${rows} rows`);
}
