import { createApiRouter, createLogger, serveHttp, type Endpoint, type HttpServer } from '@docket/runtime';
import { Registry } from 'prom-client';
import { readingHandler, type KeepReading, type Reader } from '../../src/http/reading-route.ts';
import type { Reading } from '../../src/trail/reading.ts';

export const reading: Reading = {
  credential: {
    keyId: '0000000000000001',
    scopes: ['events:read'],
    tenants: ['acme'],
    view: { kind: 'tenant' },
    token: null,
  },
  log: 'acme',
  question: 'action:user.*',
  asked: { search: 'action:user.*' },
  eventId: null,
  results: 1,
};

const endpoint: Endpoint = {
  method: 'get',
  path: '/v1/secrets',
  name: 'getSecrets',
  tag: 'test',
  summary: 'For this test',
  access: 'public',
  answers: {},
};

/** Serves a route that reads a log. */
export async function serveReading(
  answer: Reader,
  keep: KeepReading,
): Promise<{ readonly url: string; readonly server: HttpServer }> {
  const router = createApiRouter();
  router.add(endpoint, readingHandler({ reads: 'searched', answer }, keep));
  const app = { router, start: async () => {}, stop: async () => {}, health: () => ({ ready: true, checks: {} }) };
  const logger = createLogger({ service: 'query-test', level: 'silent' });
  const server = await serveHttp({ apps: { app }, logger, metrics: new Registry(), port: 0, host: '127.0.0.1' });
  return { url: `${server.url}/v1/secrets`, server };
}
