import { once } from 'node:events';
import { get } from 'node:http';
import type { ClickHouse, RequestOptions } from '@docket/clickhouse';
import { createLogger } from '@docket/runtime';
import { eventually } from '@docket/testkit';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { ExportRecord } from '../../src/exports/export-records.ts';
import { createExportSender, type ExportPlan } from '../../src/exports/export-sender.ts';
import { createCredentialWatch } from '../../src/gate/credential-watch.ts';
import { createPlaces } from '../../src/gate/places.ts';
import { createQueryMetrics } from '../../src/metrics.ts';
import { reading, serveReading } from '../http/reading-server.ts';
import { parseFilter } from '../parameters.ts';

const plan: ExportPlan = {
  exportId: '0199f3c2-0000-7000-8000-00000000000a',
  caller: reading.credential,
  format: 'ndjson',
  query: { search: parseFilter('').scoped, firstSeq: 1, throughSeq: 2 },
};

/** A statement that goes on until it is ended. */
function endless(_sql: string, _params?: unknown, { signal }: RequestOptions = {}): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(new Error('The statement was ended.'));
    signal?.addEventListener('abort', end);
    if (signal?.aborted) end();
  });
}

test('an export whose caller has left before its first byte ends, and gives its place back', async () => {
  const metrics = createQueryMetrics(new Registry());
  const places = createPlaces({ processMax: 1, tenantMax: 1, keyMax: 1 }, metrics.exportsRunning);
  const states: string[] = [];
  const clickhouse: Pick<ClickHouse, 'query' | 'stream'> = { query: endless, stream: endless };
  const sender = createExportSender({
    clickhouse,
    records: { put: async ({ state }: ExportRecord) => void states.push(state) },
    places,
    watch: createCredentialWatch(() => true),
    metrics,
    logger: createLogger({ service: 'query-test', level: 'silent' }),
    timeoutMs: 60_000,
  });
  const { url, server } = await serveReading(
    async () => ({ reading, stream: (res) => sender.send(plan, res) }),
    async (_kind, _reading, _req, res) => {
      request.destroy();
      await once(res, 'close');
    },
  );
  const request = get(url).on('error', () => undefined);
  try {
    await eventually(() => states.length === 2, { what: 'the end of the export' });
    expect(states).toEqual(['running', 'failed']);
    await sender.idle();
    expect(places.enter({ tenantId: 'acme', keyId: 'k' })).toMatchObject({ ok: true });
    const ended = (await metrics.exports.get()).values.filter(({ value }) => value > 0);
    expect(ended.map(({ labels }) => labels)).toEqual([{ format: 'ndjson', outcome: 'gone' }]);
  } finally {
    await server.close(1_000);
  }
});
