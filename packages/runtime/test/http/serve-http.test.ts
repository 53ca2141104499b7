import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import {
  clientGone,
  createApiRouter,
  createLogger,
  DocketError,
  healthOf,
  jsonBody,
  serveHttp,
  setRouteLabel,
} from '../../src/index.ts';
import type { ApiRouter, App, Endpoint, HttpServer } from '../../src/index.ts';

const bytesMax = 1000;
let server: HttpServer;
let metrics: Registry;
let isReady: boolean;
let isStarted: boolean;
let gone: Promise<void>;
let release: () => void;

function served(method: 'get' | 'post', path: string): Endpoint {
  return { method, path, name: path, tag: 'test', summary: 'For this test.', access: 'public', answers: {} };
}

function appOf(router: ApiRouter, health: App['health']): App {
  return { start: () => Promise.resolve(), stop: () => Promise.resolve(), health, router };
}

function writeRoutes(router: ApiRouter): void {
  router.add(served('post', '/v1/things'), jsonBody({ bytesMax }), (req, res) => {
    const body: unknown = req.body;
    res.json({ body });
  });
  router.add(served('get', '/v1/failing'), () => {
    throw new Error('hunter2');
  });
  router.add(served('get', '/v1/away'), () =>
    Promise.reject(new DocketError('clickhouse_unavailable', 'ClickHouse did not answer.')),
  );
  router.add(served('get', '/v1/half'), (_req, res) => {
    res.write('half of it');
    throw new Error('the other half is missing');
  });
}

function readRoutes(router: ApiRouter): void {
  router.add(served('get', '/v1/things'), (_req, res) => {
    res.json([]);
  });
  router.add(served('get', '/v1/things/:id'), (req, res) => {
    res.json({ id: req.params['id'] });
  });
  router.add(served('get', '/v1/slow'), async (_req, res) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    res.json({ done: true });
  });
  gone = new Promise((resolve) => {
    router.add(served('get', '/v1/forever'), (_req, res) => {
      clientGone(res).addEventListener('abort', () => resolve());
      res.write('begun');
    });
  });
  router.add(served('get', '/v1/labelled'), (_req, res) => {
    setRouteLabel(res, 'proxy:query');
    res.json({});
  });
}

beforeEach(async () => {
  metrics = new Registry();
  isReady = true;
  isStarted = true;
  release = () => undefined;
  const writing = createApiRouter();
  const reading = createApiRouter();
  writeRoutes(writing);
  readRoutes(reading);
  server = await serveHttp({
    apps: {
      write: appOf(writing, () =>
        healthOf({ kafka: isReady ? { ok: true } : { ok: false, detail: 'no broker answers' } }),
      ),
      read: appOf(reading, () => healthOf({})),
    },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics,
    port: 0,
    host: '127.0.0.1',
    isStarted: () => isStarted,
  });
});

afterEach(async () => {
  release();
  await server.close(0);
});

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

async function call(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, init);
  const body: unknown = JSON.parse((await response.text()) || '{}');
  if (typeof body !== 'object' || body === null) throw new Error('expected an object');
  return { status: response.status, headers: response.headers, body: { ...body } };
}

const json = { 'Content-Type': 'application/json' };
const post = (body: RequestInit['body'], headers: Record<string, string> = json) =>
  call('/v1/things', { method: 'POST', body: body ?? null, headers });

/** Sends bytes as they are and gives everything that came back. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('end', () => resolve(answer)).on('error', reject);
  });
}

describe('probes', () => {
  test('/healthz answers while the process lives', async () => {
    isReady = false;
    expect(await call('/healthz')).toMatchObject({ status: 200, body: { status: 'alive' } });
  });

  test('/readyz is 503 with the failing check, and 200 when all apps are ready', async () => {
    expect(await call('/readyz')).toMatchObject({
      status: 200,
      body: { status: 'ready', checks: { 'write.kafka': { ok: true } } },
    });
    isReady = false;
    expect(await call('/readyz')).toMatchObject({
      status: 503,
      body: { status: 'not_ready', checks: { 'write.kafka': { ok: false, detail: 'no broker answers' } } },
    });
  });

  test('while starting, probes answer and routes are 503 not_ready', async () => {
    isStarted = false;
    expect((await call('/healthz')).status).toBe(200);
    expect((await call('/readyz')).status).toBe(503);
    const answer = await call('/v1/things');
    expect(answer).toMatchObject({ status: 503, body: { code: 'not_ready' } });
    expect(answer.headers.get('retry-after')).toBe('2');
  });

  test('/metrics has bounded labels: patterns, known methods, classes', async () => {
    await call('/v1/things/42');
    await call('/v1/labelled');
    await call('/nowhere/42', { method: 'REPORT' });
    const text = await metrics.metrics();
    expect(text).toContain('route="/v1/things/:id",status_class="2xx"');
    expect(text).toContain('route="proxy:query"');
    expect(text).toContain('method="other",route="unmatched",status_class="4xx"');
    expect(text).not.toContain('42"');
    expect((await fetch(`${server.url}/metrics`)).headers.get('content-type')).toContain('text/plain');
  });
});

describe('errors', () => {
  test('an unknown path is 404 with a problem document', async () => {
    const answer = await call('/v1/nowhere');
    expect(answer).toMatchObject({
      status: 404,
      body: { code: 'not_found', status: 404, type: 'urn:docket:error:not_found' },
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test.each([
    ['PUT', '/v1/things', 'GET, HEAD, POST'],
    ['DELETE', '/v1/things/7', 'GET, HEAD'],
    ['GET', '/healthz/', null],
  ])('%s %s: Allow names the methods of all apps: %s', async (method, path, allow) => {
    const answer = await call(path, { method });
    expect(answer.headers.get('allow')).toBe(allow);
    expect(answer.status).toBe(allow === null ? 200 : 405);
  });

  test('a bug is 500 and says nothing of its message', async () => {
    const answer = await call('/v1/failing');
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal' } });
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });

  test('an outage is 503 with Retry-After', async () => {
    const answer = await call('/v1/away');
    expect(answer).toMatchObject({ status: 503, body: { code: 'clickhouse_unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('2');
  });

  test('an error after the answer began is no clean end', async () => {
    await expect(fetch(`${server.url}/v1/half`).then((response) => response.text())).rejects.toThrow();
  });

  test('a path that cannot be decoded is 400', async () => {
    expect(await call('/v1/things/%E0%A4%A')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test.each([
    ['garbage', 'garbage\r\n\r\n', '400', 'invalid_request'],
    [
      'headers over 16 KiB',
      `GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
      '431',
      'headers_too_large',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      '400',
      'invalid_request',
    ],
    ['no Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', '400', 'invalid_request'],
    ['two Hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n', '400', 'invalid_request'],
    ['a tunnel', 'CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n', '405', 'method_not_allowed'],
    [
      'an expectation',
      'GET /v1/nowhere HTTP/1.1\r\nHost: h\r\nExpect: mercy\r\nConnection: close\r\n\r\n',
      '404',
      'not_found',
    ],
  ])('%s is answered in the usual form', async (_name, text, status, code) => {
    const answer = await raw(text);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain(`"code":"${code}"`);
  });
});

test('what follows a last request is not read, and its answer comes whole', async () => {
  const last = 'GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
  const answer = await raw(`${last}${last}`);
  expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 200']);
});

test('I8: who goes on sending after the refusal is cut off', async () => {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  const closed = new Promise<void>((resolve) => socket.on('error', () => undefined).once('close', () => resolve()));
  const drip = setInterval(() => socket.write('x'), 20);
  socket.write('garbage\r\n\r\n');
  socket.resume();
  await closed;
  clearInterval(drip);
});

describe('request ids', () => {
  test('are made, kept when harmless, replaced when not, and shown in problems', async () => {
    expect((await call('/healthz')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const kept = await call('/v1/nowhere', { headers: { 'X-Request-Id': 'abc-1' } });
    expect(kept.headers.get('x-request-id')).toBe('abc-1');
    expect(kept.body['request_id']).toBe('abc-1');
    const long = await call('/healthz', { headers: { 'X-Request-Id': 'a'.repeat(129) } });
    expect(long.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('bodies', () => {
  const atLimit = JSON.stringify('x'.repeat(bytesMax - 2));
  const gzip = { ...json, 'Content-Encoding': 'gzip' };

  test.each([
    ['plain', '{"a":1}', json],
    ['with a charset', '{"a":1}', { 'Content-Type': 'application/json; charset=UTF-8' }],
    ['a +json type', '{"a":1}', { 'Content-Type': 'application/cloudevents+json' }],
    ['gzip', gzipSync('{"a":1}'), gzip],
    ['gzip in two members', Buffer.concat([gzipSync('{"a"'), gzipSync(':1}')]), gzip],
    ['at the limit', atLimit, json],
    ['gzip at the limit', gzipSync(atLimit), gzip],
  ])('%s is read', async (_name, body, headers) => {
    expect((await post(body, headers)).status).toBe(200);
  });

  test.each([
    ['one byte over the limit', `${atLimit} `, json, 413, 'body_too_large'],
    ['far over the limit', 'x'.repeat(10 * bytesMax), json, 413, 'body_too_large'],
    ['a gzip bomb', gzipSync(Buffer.alloc(500_000)), gzip, 413, 'body_too_large'],
    ['gzip one byte over', gzipSync(`${atLimit} `), gzip, 413, 'body_too_large'],
    ['not gzip', '{"a":1}', gzip, 400, 'invalid_request'],
    ['zeros behind a gzip', Buffer.concat([gzipSync('{"a":1}'), Buffer.alloc(9)]), gzip, 400, 'invalid_request'],
    ['half a gzip', gzipSync('{"a":1}').subarray(0, 12), gzip, 400, 'invalid_request'],
    ['deflate', 'x', { ...json, 'Content-Encoding': 'deflate' }, 415, 'unsupported_media_type'],
    ['two encodings', 'x', { ...json, 'Content-Encoding': 'gzip, gzip' }, 415, 'unsupported_media_type'],
    ['text', '{}', { 'Content-Type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['a form', 'a=1', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_media_type'],
    ['UTF-16', '{}', { 'Content-Type': 'application/json; charset=utf-16' }, 415, 'unsupported_media_type'],
    ['no JSON', '{', json, 400, 'invalid_json'],
    ['nothing', '', json, 400, 'invalid_json'],
  ])('%s is refused', async (_name, body, headers, status, code) => {
    expect(await post(body, headers)).toMatchObject({ status, body: { code } });
  });

  test('an endless chunked body ends with 413 and a closed connection', async () => {
    const chunk = `${bytesMax.toString(16)}\r\n${'x'.repeat(bytesMax)}\r\n`;
    const head =
      'POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const answer = await raw(`${head}${chunk.repeat(3)}`);
    expect(answer).toContain('HTTP/1.1 413 ');
    expect(answer).toContain('Connection: close');
  });
});

describe('close', () => {
  test('lets a request under way finish and refuses new ones', async () => {
    const slow = call('/v1/slow');
    await call('/healthz');
    const closed = server.close(5_000);
    release();
    expect(await slow).toMatchObject({ status: 200, body: { done: true } });
    await closed;
    await expect(call('/healthz')).rejects.toThrow('fetch failed');
  });

  test('destroys what is not done at the deadline, and the handler hears of it', async () => {
    const response = await fetch(`${server.url}/v1/forever`);
    const text = response.text();
    text.catch(() => undefined);
    await server.close(10);
    await expect(text).rejects.toThrow();
    await gone;
  });

  test('a taken port is refused with the remedy', async () => {
    const again = serveHttp({
      apps: {},
      logger: createLogger({ service: 't', level: 'silent' }),
      metrics: new Registry(),
      port: server.port,
      host: '127.0.0.1',
    });
    await expect(again).rejects.toThrow(/is taken: stop the other process or set HTTP_PORT/);
  });
});
