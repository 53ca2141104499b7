import { createApiRouter, createLogger, DocketError, serveHttp, type Endpoint, type HttpServer } from '@docket/runtime';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { readingHandler, type KeepReading, type Reader } from '../../src/http/reading-route.ts';
import type { Reading } from '../../src/trail/reading.ts';

const reading: Reading = {
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

let server: HttpServer | undefined;
afterEach(async () => server?.close(1_000));

const endpoint: Endpoint = {
  method: 'get',
  path: '/v1/secrets',
  name: 'getSecrets',
  tag: 'test',
  summary: 'For this test',
  access: 'public',
  answers: {},
};

async function serve(answer: Reader, keep: KeepReading): Promise<string> {
  const router = createApiRouter();
  router.add(endpoint, readingHandler({ reads: 'searched', answer }, keep));
  const app = { router, start: async () => {}, stop: async () => {}, health: () => ({ ready: true, checks: {} }) };
  const logger = createLogger({ service: 'query-test', level: 'silent' });
  server = await serveHttp({ apps: { app }, logger, metrics: new Registry(), port: 0, host: '127.0.0.1' });
  return `${server.url}/v1/secrets`;
}

describe('a route that reads a log', () => {
  test('answers once the reading of each log is kept', async () => {
    const kept: string[] = [];
    const answer: Reader = async () => ({ reading: [reading, { ...reading, log: 'globex' }], body: { kept } });
    const url = await serve(answer, async (_, { log }) => {
      await new Promise((resolve) => setImmediate(resolve));
      kept.push(log);
    });
    expect(await (await fetch(url)).json()).toEqual({ kept: ['acme', 'globex'] });
  });

  test('shows nothing when the reading of one log of several cannot be kept', async () => {
    const answer: Reader = async () => ({ reading: [reading, { ...reading, log: 'globex' }], body: ['secret'] });
    const url = await serve(answer, async (_, { log }) => {
      if (log === 'globex') throw new DocketError('trail_unavailable', 'full');
    });
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('secret');
  });

  test('answers once the reading is kept, not before', async () => {
    const order: string[] = [];
    const url = await serve(
      async () => ({
        reading,
        headers: { Link: '<next>' },
        stream: (res) => {
          order.push('answered');
          res.json({ data: ['secret'] });
          return Promise.resolve();
        },
      }),
      async (kind, kept) => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${kind} ${kept.question}`);
      },
    );
    const response = await fetch(url);
    expect(await response.json()).toEqual({ data: ['secret'] });
    expect(response.headers.get('link')).toBe('<next>');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(order).toEqual(['searched action:user.*', 'answered']);
  });

  test('shows nothing when the reading cannot be kept', async () => {
    const url = await serve(
      () => Promise.resolve({ reading, headers: { 'X-Found': '1' }, body: { data: ['secret'] } }),
      () => Promise.reject(new DocketError('overloaded', 'There is no room.')),
    );
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(response.headers.get('x-found')).toBeNull();
    expect(await response.text()).not.toContain('secret');
  });

  test('keeps nothing of a request that is refused', async () => {
    let kept = 0;
    const url = await serve(
      () => Promise.reject(new DocketError('unauthenticated', 'No credential.')),
      () => Promise.resolve(void (kept += 1)),
    );
    expect((await fetch(url)).status).toBe(401);
    expect(kept).toBe(0);
  });
});
