import { createApiRouter, createLogger, serveHttp } from '@docket/runtime';
import { eventually } from '@docket/testkit';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { getExportEndpoint } from '../../src/exports/export-endpoints.ts';
import { createReadGate } from '../../src/gate/read-gate.ts';
import { getExportRecord } from '../../src/http/get-export-record.ts';
import { createQueryMetrics } from '../../src/metrics.ts';
import { reading } from './reading-server.ts';

test('I7: looking for exports counts among the reads of a key', async () => {
  const metrics = createQueryMetrics(new Registry());
  let looks = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<null>((resolve) => (end = () => resolve(null)));
  const records = {
    find: () => {
      looks += 1;
      return ended;
    },
  };
  const callers = { callerOf: async () => reading.credential, mayStillRead: () => true };
  const gate = createReadGate({ processMax: 10, tenantMax: 10, keyMax: 1 }, metrics);
  const router = createApiRouter();
  router.add(getExportEndpoint, getExportRecord({ callers, records, gate }));
  const app = { router, start: async () => {}, stop: async () => {}, health: () => ({ ready: true, checks: {} }) };
  const logger = createLogger({ service: 'query-test', level: 'silent' });
  const server = await serveHttp({ apps: { app }, logger, metrics: new Registry(), port: 0, host: '127.0.0.1' });
  const url = `${server.url}/v1/exports/0199f3c2-0000-7000-8000-00000000000a`;
  try {
    const first = fetch(url);
    await eventually(() => looks === 1, { deadlineMs: 2_000, what: 'the first look' });
    expect((await fetch(url, { signal: AbortSignal.timeout(3_000) })).status).toBe(429);
    end();
    expect((await first).status).toBe(404);
    expect((await fetch(url)).status).toBe(404);
    expect(looks).toBe(2);
  } finally {
    end();
    await server.close(1_000);
  }
});
