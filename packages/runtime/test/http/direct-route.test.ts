import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createApiRouter, createLogger, DocketError, healthOf, serveHttp } from '../../src/index.ts';
import type { HttpServer } from '../../src/index.ts';

let server: HttpServer;
let isStarted = true;
const metrics = new Registry();

beforeAll(async () => {
  const router = createApiRouter();
  const endpoint = { tag: 'test', summary: 'For this test.', access: 'public', answers: {}, name: 'x' } as const;
  router.addDirect({ ...endpoint, method: 'post', path: '/v1/busy' }, async (req, res) => {
    if (req.headers['x-fail'] === 'bug') throw new Error('hunter2');
    if (req.headers['x-fail'] !== undefined) throw new DocketError('overloaded', 'Enough.', { retryAfterSeconds: 7 });
    res.end('{"done":true}');
  });
  server = await serveHttp({
    apps: {
      one: { start: async () => undefined, stop: async () => undefined, health: () => healthOf({}), router },
    },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics,
    port: 0,
    host: '127.0.0.1',
    isStarted: () => isStarted,
  });
});

afterAll(() => server.close(0));

async function call(path: string, init: RequestInit = {}) {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', ...init });
  const body: unknown = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body };
}

describe('a route before express', () => {
  test.each(['/v1/busy', '/v1/busy?x=1', '/v1/busy/'])('answers %s, with a request id', async (path) => {
    const answer = await call(path);
    expect(answer).toMatchObject({ status: 200, body: { done: true } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('answers its errors in the usual form', async () => {
    const known = await call('/v1/busy', { headers: { 'x-fail': 'known' } });
    expect(known).toMatchObject({ status: 503, body: { code: 'overloaded', request_id: expect.any(String) } });
    expect(known.headers.get('retry-after')).toBe('7');
    const bug = await call('/v1/busy', { headers: { 'x-fail': 'bug' } });
    expect(bug).toMatchObject({ status: 500, body: { code: 'internal' } });
    expect(JSON.stringify(bug.body)).not.toContain('hunter2');
  });

  test('takes no other method, and says which', async () => {
    const answer = await call('/v1/busy', { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(answer.headers.get('allow')).toBe('POST');
  });

  test('is not there while the service starts or stops', async () => {
    isStarted = false;
    expect(await call('/v1/busy')).toMatchObject({ status: 503, body: { code: 'not_ready' } });
    isStarted = true;
  });

  test('is counted under its path', async () => {
    expect(await metrics.metrics()).toMatch(
      /docket_http_request_duration_seconds_count\{method="POST",route="\/v1\/busy",status_class="2xx"\} [1-9]/,
    );
  });
});
