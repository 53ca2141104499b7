import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createApiRouter, createCors, createLogger, serveHttp } from '@docket/runtime';
import type { HttpServer } from '@docket/runtime';
import { Registry } from 'prom-client';

import { createUpstreamProxy } from '../../src/http/upstream-proxy.ts';
import type { UpstreamProxy } from '../../src/http/upstream-proxy.ts';
import { addUpstreamRoutes } from '../../src/http/upstream-routes.ts';
import { upstreamSilenceMsMax } from '../../src/upstream-silence-policy.ts';

/** A real server in place of query and admin, which does what each test tells it. */
let answer: (req: IncomingMessage, res: ServerResponse) => void;
let upstream: Server;
let upstreamUrl: string;
let proxies: UpstreamProxy[];
let servers: HttpServer[];
let server: HttpServer;
let failures: string[];
const silenceMs = 200;

async function listen(listener: Server): Promise<string> {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return `http://127.0.0.1:${address.port}`;
}

async function serveBehind(trustedProxyHops: number): Promise<HttpServer> {
  const ports = {
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: {
      events: () => undefined,
      published: () => undefined,
      limited: () => undefined,
      upstreamFailed: (name: string) => void failures.push(name),
    },
    trustedProxyHops,
  };
  const silenceMsMax = (path: string): number =>
    Math.min(upstreamSilenceMsMax(path), path === '/v1/silent' ? silenceMs : Infinity);
  const query = createUpstreamProxy('query', upstreamUrl, { ...ports, silenceMsMax, requestsMax: 4 });
  // Nothing listens on port 1.
  const admin = createUpstreamProxy('admin', 'http://127.0.0.1:1', ports);
  const delivery = createUpstreamProxy('delivery', 'http://127.0.0.1:1', ports);
  proxies.push(query, admin, delivery);
  const router = createApiRouter();
  const upstreams = { query: query.handler, admin: admin.handler, delivery: delivery.handler };
  addUpstreamRoutes(router, upstreams, createCors([]));
  const app = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    health: () => ({ ready: true, checks: {} }),
    router,
  };
  const { logger } = ports;
  const started = await serveHttp({
    apps: { gateway: app },
    logger,
    metrics: new Registry(),
    port: 0,
    host: '127.0.0.1',
  });
  servers.push(started);
  return started;
}

beforeEach(async () => {
  upstream = createServer((req, res) => answer(req, res));
  upstreamUrl = await listen(upstream);
  failures = [];
  proxies = [];
  servers = [];
  server = await serveBehind(0);
});

afterEach(async () => {
  await Promise.all(servers.map((started) => started.close(0)));
  for (const proxy of proxies) proxy.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});

describe('the proxy', () => {
  test('passes path, query, body, credential and request id on, and the answer back', async () => {
    let seen: unknown;
    answer = (req, res) => {
      const { method, url, headers } = req;
      req.setEncoding('utf8').once('data', (body) => {
        seen = { method, url, body, authorization: headers.authorization, id: headers['x-request-id'] };
        res.writeHead(201, { 'X-Answer': 'yes' }).end('made');
      });
    };
    const response = await fetch(`${server.url}/v1/viewer-tokens?a=b%20c`, {
      method: 'POST',
      body: '{"x":1}',
      headers: { authorization: 'Bearer t', 'x-request-id': 'r-1' },
    });
    expect(seen).toEqual({
      method: 'POST',
      url: '/v1/viewer-tokens?a=b%20c',
      body: '{"x":1}',
      authorization: 'Bearer t',
      id: 'r-1',
    });
    expect([response.status, response.headers.get('x-answer'), await response.text()]).toEqual([201, 'yes', 'made']);
  });

  test.each([
    [0, undefined, '127.0.0.1'],
    [0, '203.0.113.7', '127.0.0.1'],
    [1, '203.0.113.7, 198.51.100.9', '198.51.100.9'],
    [2, '192.0.2.1, 203.0.113.7, 198.51.100.9', '203.0.113.7'],
  ])('behind %i trusted proxies, a client that says %p comes from %s', async (trustedProxyHops, said, expected) => {
    const seen: unknown[] = [];
    answer = (req, res) => {
      seen.push(req.headers['x-forwarded-for']);
      res.writeHead(200).end();
    };
    const behind = await serveBehind(trustedProxyHops);
    await fetch(`${behind.url}/v1/events`, { headers: said === undefined ? {} : { 'x-forwarded-for': said } });
    expect(seen).toEqual([expected]);
  });

  test('leaves a problem document of the upstream untouched', async () => {
    const problem =
      '{"type":"urn:docket:error:tenant_required","status":400,"code":"tenant_required","request_id":"upstream"}';
    answer = (_req, res) => res.writeHead(400, { 'Content-Type': 'application/problem+json' }).end(problem);
    const response = await fetch(`${server.url}/v1/events`);
    expect([response.status, await response.text()]).toEqual([400, problem]);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  test('an upstream that is silent for too long is 503, whether it has begun to answer or not; one that may be is waited for', async () => {
    let end = (): void => undefined;
    answer = (req, res) => {
      if (req.url === '/v1/export') end = () => res.writeHead(200).end('whole');
      if (req.url === '/v1/silent?begins') res.writeHead(200).write('half');
    };
    const exported = fetch(`${server.url}/v1/export`);
    const begun = await fetch(`${server.url}/v1/silent?begins`);
    await expect(begun.text()).rejects.toThrow('terminated');
    const silent = await fetch(`${server.url}/v1/silent`);
    expect([silent.status, failures]).toEqual([503, ['query']]);
    end();
    expect(await (await exported).text()).toBe('whole');
  });

  test('an export may be silent for as long as it may take, everything else for two minutes', () => {
    const paths = ['/v1/export', '/v1/export/', '/v1/EXPORT', '/v1/exports', '/v1/exports/x', '/v1/events', '/v1/tail'];
    expect(paths.map(upstreamSilenceMsMax)).toEqual([...Array(3).fill(21_600_000), ...Array(4).fill(120_000)]);
  });

  test('an upstream that is away is 503 with a problem document', async () => {
    const response = await fetch(`${server.url}/v1/tenants`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await response.json()).toMatchObject({
      code: 'upstream_unavailable',
      detail: 'The admin service did not answer.',
    });
    expect(failures).toEqual(['admin']);
  });

  test('streams: the first part is there before the last is written', async () => {
    let finish: () => void = () => undefined;
    answer = (_req, res) => {
      res.writeHead(200).write('first');
      finish = () => res.end('last');
    };
    const response = await fetch(`${server.url}/v1/tail`);
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first');
    finish();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('last');
  });

  test.each([
    ['before the answer', false],
    ['within the answer', true],
  ])('a client that goes away %s ends the request upstream', async (_name, hasBegun) => {
    const gone = new Promise<void>((resolve) => {
      answer = (_req, res) => {
        res.once('close', resolve);
        if (hasBegun) res.write('first');
        else client.abort();
      };
    });
    const client = new AbortController();
    const response = fetch(`${server.url}/v1/feed?wait=30`, { signal: client.signal });
    if (hasBegun) {
      await (await response).body?.getReader().read();
      client.abort();
    } else await expect(response).rejects.toThrow('aborted');
    await gone;
    expect(failures).toEqual([]);
  });

  test('an upstream that dies within its answer is no clean end for the client', async () => {
    answer = (_req, res) => {
      res.write('half');
      setImmediate(() => res.destroy());
    };
    await expect(fetch(`${server.url}/v1/export`).then((response) => response.text())).rejects.toThrow();
  });

  test('event streams end well when the gateway stops, other answers go on', async () => {
    let finish: () => void = () => undefined;
    const upstreamGone = new Promise<void>((resolve) => {
      answer = (req, res) => {
        const isTail = req.url === '/v1/tail';
        res.writeHead(200, { 'Content-Type': isTail ? 'text/event-stream; charset=utf-8' : 'text/csv' }).write('first');
        if (isTail) res.once('close', resolve);
        else finish = () => res.end('last');
      };
    });
    const [stream, file] = await Promise.all(['/v1/tail', '/v1/export'].map((path) => fetch(`${server.url}${path}`)));
    for (const proxy of proxies) proxy.drain();
    expect(await stream?.text()).toBe('first');
    await upstreamGone;
    finish();
    expect(await file?.text()).toBe('firstlast');
  });

  test('an upstream that dies before its answer is 503', async () => {
    answer = (_req, res) => res.destroy();
    const response = await fetch(`${server.url}/v1/events`);
    expect(response.status).toBe(503);
    expect(failures).toEqual(['query']);
  });
});

/** Sends bytes as they are, which no HTTP client would, and gives all that comes back. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

describe('requests under way', () => {
  /** Begins a body that does not end. */
  function begin(authorization: string): Socket {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    const head = `POST /v1/viewer-tokens HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n`;
    socket.write(`${head}Content-Length: 9\r\n\r\n{`);
    return socket;
  }

  /** Waits until the upstream, which does not answer, has it; what it gives ends it. */
  async function hold(authorization: string): Promise<() => Promise<void>> {
    const arrived = new Promise<ServerResponse>((resolve) => {
      answer = (_req, res) => resolve(res);
    });
    const socket = begin(authorization);
    const closed = once(await arrived, 'close');
    return async () => {
      socket.destroy();
      await closed;
    };
  }

  async function askAs(authorization: string): Promise<unknown> {
    answer = (_req, res) => res.end('fine');
    const response = await fetch(`${server.url}/v1/events`, { headers: { authorization } });
    return response.ok ? 'answered' : response.json();
  }

  test('I7: of one caller at most half of them, however slowly its bodies come, and others go on', async () => {
    const [endFirst, endSecond] = [await hold('Bearer slow'), await hold('Bearer slow')];
    expect(await askAs('Bearer slow')).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(await askAs('Bearer other')).toBe('answered');
    await endFirst();
    expect(await askAs('Bearer slow')).toBe('answered');
    await endSecond();
  });

  test('I8: not more than so many of all', async () => {
    const ends = [];
    for (const name of ['a', 'a', 'b', 'c']) ends.push(await hold(`Bearer ${name}`));
    expect(await askAs('Bearer d')).toMatchObject({ status: 503, code: 'overloaded' });
    for (const end of ends) await end();
    expect(await askAs('Bearer d')).toBe('answered');
  });

  test('one that is refused before its body has come takes none, and no connection', async () => {
    answer = (_req, res) => res.writeHead(401).end();
    const sockets = ['a', 'b', 'c', 'd'].map((name) => begin(`Bearer ${name}`));
    for (const socket of sockets) await once(socket, 'data');
    expect(await askAs('Bearer e')).toBe('answered');
    expect(failures).toEqual([]);
    for (const socket of sockets) socket.destroy();
  });
});

describe.each(['100-continue', 'something else'])('a request that expects %s', (expectation) => {
  const head = `Host: a\r\nX-Forwarded-For: 203.0.113.7\r\nX-Request-Id: r-1\r\nExpect: ${expectation}\r\n`;

  test('comes from where it came from, whatever it says, and arrives whole', async () => {
    const seen: unknown[] = [];
    answer = (req, res) => {
      const { expect: expected, 'x-forwarded-for': client, 'x-request-id': id } = req.headers;
      void text(req).then((body) => {
        seen.push({ expected, client, id, body });
        return res.end('fine');
      });
    };
    const answered = await sendRaw(
      `POST /v1/redrive HTTP/1.1\r\n${head}Connection: close\r\nContent-Length: 4\r\n\r\nbody`,
    );
    expect(answered).toMatch(/^HTTP\/1.1 (100 Continue\r\n\r\nHTTP\/1.1 )?200 OK\r\n/);
    expect(seen).toEqual([{ expected: undefined, client: '127.0.0.1', id: 'r-1', body: 'body' }]);
  });

  test('ends upstream with its client', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    const gone = new Promise<void>((resolve) => {
      answer = (_req, res) => {
        res.once('close', resolve);
        socket.destroy();
      };
    });
    socket.write(`GET /v1/feed?wait=30 HTTP/1.1\r\n${head}\r\n`);
    await gone;
    expect(failures).toEqual([]);
  });
});

describe('smuggling (I5)', () => {
  const smuggled = 'GET /v1/keys HTTP/1.1\r\nX-Swallow: ';
  const chunked = `Transfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
  const counted = `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`;

  test.each(
    ['DELETE', 'OPTIONS', 'GET', 'HEAD'].flatMap((method) => [
      [method, 'chunked', chunked],
      [method, 'counted', counted],
    ]),
  )('a %s with a body, %s, is refused and never becomes a request of the next caller', async (method, _how, body) => {
    const seen: string[] = [];
    answer = (req, res) => {
      seen.push(`${req.method} ${req.url}`);
      res.end('fine');
    };
    const refused = await sendRaw(`${method} /v1/whoami HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${body}`);
    expect(refused).toMatch(/^HTTP\/1.1 400 /);
    await fetch(`${server.url}/v1/next`);
    expect(seen).toEqual(['GET /v1/next']);
  });

  test('a chunked body of a method that takes one arrives whole and stays a body', async () => {
    const seen: string[] = [];
    answer = (req, res) => {
      void text(req).then((body) => {
        seen.push(`${req.method} ${body}`);
        return res.end('fine');
      });
    };
    await sendRaw(`POST /v1/redrive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${chunked}`);
    await fetch(`${server.url}/v1/next`);
    expect(seen).toEqual([`POST ${smuggled}`, 'GET ']);
  });

  test('an empty body is none: DELETE with Content-Length 0 passes', async () => {
    answer = (_req, res) => res.end('fine');
    const passed = await sendRaw(
      'DELETE /v1/exports/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    expect(passed).toMatch(/^HTTP\/1.1 200 /);
  });
});
