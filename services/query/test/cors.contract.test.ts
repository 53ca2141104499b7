import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readSettings } from '@docket/runtime';
import { settings } from '../src/config.ts';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

const origin = 'https://app.example.com';
let world: QueryWorld;
let plain: QueryWorld;
beforeAll(async () => {
  world = await createQueryWorld({ viewerOrigins: [origin, 'http://localhost:3000'] });
  plain = await createQueryWorld();
});
afterAll(() => Promise.all([world.close(), plain.close()]));

async function ask(of: QueryWorld, method: string, path: string, headers: Record<string, string>) {
  const response = await fetch(`${of.url}${path}`, { method, headers });
  await response.arrayBuffer();
  const cors = [...response.headers].filter(([name]) => name.startsWith('access-control-'));
  return { status: response.status, vary: response.headers.get('vary'), cors: Object.fromEntries(cors) };
}

const preflight = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
const paths = [
  '/v1/events',
  '/v1/events/histogram',
  '/v1/events/facets',
  '/v1/events/some-id',
  '/v1/feed',
  '/v1/whoami',
];

describe('a page of a configured origin', () => {
  test.each(paths)('may ask for %s with a token, and read answers and errors', async (path) => {
    expect(await ask(world, 'OPTIONS', path, { ...preflight, origin })).toEqual({
      status: 204,
      vary: 'Origin',
      cors: {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, HEAD, POST',
        'access-control-allow-headers': 'Authorization, Last-Event-ID, X-Request-Id',
        'access-control-max-age': '600',
      },
    });
    const token = await world.viewer(world.key(['acme']), { view: 'admin' });
    for (const authorization of [token, 'Bearer nobody']) {
      const answer = await ask(world, 'GET', path, { origin, authorization });
      expect([answer.status === 401, answer.vary]).toEqual([authorization !== token, 'Origin']);
      expect(answer.cors).toEqual({
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'Content-Disposition, Docket-Export-Id, Link, Retry-After, X-Request-Id',
      });
    }
  });

  test('may not make tokens: a key does not belong into a browser', async () => {
    expect(await ask(world, 'OPTIONS', '/v1/viewer-tokens', { ...preflight, origin })).toMatchObject({ status: 200, cors: {} });
    const answer = await ask(world, 'POST', '/v1/viewer-tokens', { origin, authorization: world.key(['acme']) });
    expect(answer.cors).toEqual({});
  }); // prettier-ignore
});

describe('a page of another origin', () => {
  test.each([
    'https://app.example.com.evil.test',
    'https://evil.test',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://APP.example.com',
    'null',
    '*',
  ])('reads nothing: %s', async (other) => {
    for (const [method, status] of [['OPTIONS', 204], ['GET', 200]] as const) {
      const headers = { ...(method === 'OPTIONS' ? preflight : {}), origin: other, authorization: world.key(['acme']) };
      expect(await ask(world, method, '/v1/events', headers)).toEqual({ status, vary: 'Origin', cors: {} });
    }
  }); // prettier-ignore

  test('reads nothing where no origin is configured', async () => {
    expect(await ask(plain, 'OPTIONS', '/v1/events', { ...preflight, origin })).toMatchObject({ status: 200, cors: {} });
    const headers = { origin, authorization: plain.key(['acme']) };
    expect(await ask(plain, 'GET', '/v1/events', headers)).toMatchObject({ status: 200, cors: {} });
  }); // prettier-ignore
});

test.each(['*', 'https://*.example.com', 'app.example.com', 'https://app.example.com/', 'https://a.b/path', 'null', 'ftp://a.b'])(
  'VIEWER_ORIGINS refuses %s',
  (text) => {
    const read = () => readSettings({ origins: settings.viewerOrigins }, { VIEWER_ORIGINS: `${origin}, ${text}` });
    expect(read).toThrow('is not an origin');
    expect(readSettings({ origins: settings.viewerOrigins }, { VIEWER_ORIGINS: origin }).origins).toEqual([origin]);
  },
); // prettier-ignore
