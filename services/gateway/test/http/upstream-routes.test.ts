import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createApiRouter, createCors, createLogger, serveHttp } from '@docket/runtime';
import type { HttpServer } from '@docket/runtime';
import { Registry } from 'prom-client';

import { createUpstreamProxy } from '../../src/http/upstream-proxy.ts';
import type { UpstreamProxy } from '../../src/http/upstream-proxy.ts';
import { addUpstreamRoutes } from '../../src/http/upstream-routes.ts';

const origin = 'https://app.example.com';
const allowed = {
  'access-control-allow-origin': origin,
  'access-control-expose-headers': 'Content-Disposition, Docket-Export-Id, Link, Retry-After, X-Request-Id',
};
let proxies: UpstreamProxy[];
let server: HttpServer;
let upstream: Server;
let answer: RequestListener;
let failures: string[];

/** A gateway before a query service that is away, or that answers as each test tells it. */
async function startGateway(queryUrl: string): Promise<void> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const ignore = (): void => undefined;
  failures = [];
  const upstreamFailed = (name: string): void => void failures.push(name);
  const metrics = { events: ignore, published: ignore, limited: ignore, upstreamFailed };
  const cors = createCors([origin]);
  const ports = { logger, metrics, trustedProxyHops: 0 };
  const query = createUpstreamProxy('query', queryUrl, { ...ports, onAnswer: cors.withdraw });
  const admin = createUpstreamProxy('admin', 'http://127.0.0.1:1', ports);
  const delivery = createUpstreamProxy('delivery', 'http://127.0.0.1:1', ports);
  proxies = [query, admin, delivery];
  const router = createApiRouter();
  const upstreams = { query: query.handler, admin: admin.handler, delivery: delivery.handler };
  addUpstreamRoutes(router, upstreams, cors);
  const app = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    health: () => ({ ready: true, checks: {} }),
    router,
  };
  server = await serveHttp({ apps: { gateway: app }, logger, metrics: new Registry(), port: 0, host: '127.0.0.1' });
}

function upstreamUrl(): string {
  const address = upstream.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

async function ask(path: string, from: string) {
  const response = await fetch(`${server.url}${path}`, { headers: { origin: from } });
  await response.arrayBuffer();
  const cors = [...response.headers].filter(([name]) => name.startsWith('access-control-'));
  return { status: response.status, vary: response.headers.get('vary'), cors: Object.fromEntries(cors) };
}

beforeEach(async () => {
  upstream = createServer((req, res) => answer(req, res));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await server.close(0);
  for (const proxy of proxies) proxy.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});

describe('pages that may read query’s answers', () => {
  test('read the gateway’s own, too: that query is away, as a problem document', async () => {
    await startGateway('http://127.0.0.1:1');
    expect(await ask('/v1/events', origin)).toEqual({ status: 503, vary: 'Origin', cors: allowed });
    expect(await ask('/v1/events', 'https://evil.test')).toEqual({ status: 503, vary: 'Origin', cors: {} });
  });

  test.each(['/v1/tenants', '/v1/viewer-tokens'])('read nothing of %s', async (path) => {
    await startGateway('http://127.0.0.1:1');
    expect(await ask(path, origin)).toEqual({ status: 503, vary: null, cors: {} });
  });

  test('what query answers is as query says, also where it allows nothing', async () => {
    await startGateway(upstreamUrl());
    answer = (_req, res) => res.end('{}');
    expect(await ask('/v1/events', origin)).toEqual({ status: 200, vary: null, cors: {} });
    answer = (_req, res) =>
      res.writeHead(200, { Vary: 'Origin', 'Access-Control-Allow-Origin': 'https://b.example' }).end();
    expect((await ask('/v1/events', origin)).cors).toEqual({ 'access-control-allow-origin': 'https://b.example' });
  });
});

describe('where requests go', () => {
  // Of the upstreams only query is there.
  beforeEach(() => startGateway(upstreamUrl()));

  test.each([
    ['GET', '/v1/events', 'query'],
    ['GET', '/v1/events/some-id?wait=5', 'query'],
    ['OPTIONS', '/v1/events', 'query'],
    ['GET', '/v1/whoami', 'query'],
    ['GET', '/v1/tenantsx', 'query'],
    ['GET', '/v1/tenants', 'admin'],
    ['GET', '/v1/keys/1', 'admin'],
    ['PATCH', '/v1/subscriptions/1', 'admin'],
    ['GET', '/v1/subscriptions/status', 'admin'],
    ['GET', '/v1/subscriptions/1/status', 'delivery'],
    ['POST', '/v1/subscriptions/1/test', 'delivery'],
    ['GET', '/v1/subscriptions/1/preview', 'delivery'],
    ['GET', '/v1/subscriptions/1/replay/dry-run?since=2026-01-01T00:00:00Z', 'delivery'],
    ['POST', '/v1/subscriptions/1/replay', 'admin'],
  ])('%s %s goes to %s', async (method, path, expected) => {
    answer = (_req, res) => res.end('query');
    const response = await fetch(`${server.url}${path}`, { method });
    const said = await response.text();
    expect(response.status === 200 ? said : failures.join()).toBe(expected);
  });

  test('DELETE /v1/events is 405 with all that the path takes', async () => {
    const response = await fetch(`${server.url}/v1/events`, { method: 'DELETE' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  });

  test('what is not under /v1 is 404 here', async () => {
    expect((await fetch(`${server.url}/v2/events`)).status).toBe(404);
  });
});
