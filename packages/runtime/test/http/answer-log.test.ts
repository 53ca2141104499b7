import { Writable } from 'node:stream';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createApiRouter, createLogger, DocketError, healthOf, noteForLog, serveHttp } from '../../src/index.ts';
import type { Endpoint, HttpServer } from '../../src/index.ts';

let server: HttpServer;
let lines: Readonly<Record<string, unknown>>[];

function served(path: string): Endpoint {
  return { method: 'get', path, name: path, tag: 'test', summary: 'For this test.', access: 'public', answers: {} };
}

beforeEach(async () => {
  lines = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()));
      done();
    },
  });
  const router = createApiRouter();
  router.add(served('/v1/good'), (_req, res) => {
    res.json({});
  });
  router.add(served('/v1/refused'), (req) => {
    noteForLog(req, { keyId: 'k1' });
    throw new DocketError('insufficient_scope', 'This needs the scope admin.');
  });
  router.add(served('/v1/failing'), () => {
    throw new Error('a bug');
  });
  server = await serveHttp({
    apps: { one: { start: async () => {}, stop: async () => {}, health: () => healthOf({}), router } },
    logger: createLogger({ service: 'test', level: 'info' }, stream),
    metrics: new Registry(),
    port: 0,
    host: '127.0.0.1',
  });
});

afterEach(() => server.close(0));

async function get(path: string, requestId = 'r'): Promise<void> {
  const answer = await fetch(`${server.url}${path}`, { headers: { 'X-Request-Id': requestId } });
  await answer.text();
}

const answered = (): Readonly<Record<string, unknown>>[] => lines.filter(({ msg }) => msg === 'http.answered');

test('a refusal can be found by its request_id: what was refused, to which key, and why', async () => {
  await get('/v1/good');
  await get('/v1/refused', 'of-a-customer');
  await get('/v1/failing');
  await server.close(0);
  expect(answered()).toMatchObject([
    {
      level: 'info',
      request_id: 'of-a-customer',
      method: 'GET',
      route: '/v1/refused',
      status: 403,
      code: 'insufficient_scope',
      key_id: 'k1',
      others: 0,
    },
    { level: 'info', status: 500, code: 'internal' },
  ]);
  expect(lines.find(({ msg }) => msg === 'http.failed')).toMatchObject({ request_id: 'r', code: 'internal' });
});

test('I8: a flood of refusals is ten lines a second, and hides no other code', async () => {
  await Promise.all(Array.from({ length: 50 }, () => get('/v1/refused')));
  await get('/v1/nowhere');
  await server.close(0);
  const seconds = new Set(answered().map(({ time }) => String(time).slice(0, 19))).size;
  expect(answered().filter(({ code }) => code === 'insufficient_scope').length).toBeLessThanOrEqual(10 * (seconds + 1));
  expect(answered().at(-1)).toMatchObject({ code: 'not_found', route: 'unmatched' });
});
