import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger, describeSettings, readSettings, serveHttp } from '@docket/runtime';
import type { HttpServer } from '@docket/runtime';
import { settings as gatewaySettings } from '@docket/gateway';
import { Registry } from 'prom-client';

import { createAllInOneApps } from '../src/app.ts';
import { settings } from '../src/config.ts';

/** Nothing listens on port 1, and nothing is started: this is about how the apps fit together. */
const env = {
  KAFKA_BROKERS: '127.0.0.1:1',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
  CLICKHOUSE_URL: 'http://127.0.0.1:1',
  CLICKHOUSE_USER: 'u',
  CLICKHOUSE_PASSWORD: 'p',
  CLICKHOUSE_DATABASE: 'd',
  DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
  DOCKET_TOKEN_KEYS: randomBytes(32).toString('base64'),
  TRAIL_SPOOL_DIR: '/nonexistent',
  DOCKET_MAC_KEYS: randomBytes(32).toString('hex'),
};
const metrics = new Registry();
const logger = createLogger({ service: 'test', level: 'silent' });
let server: HttpServer;

beforeAll(async () => {
  const exit = (error: Error): never => {
    throw error;
  };
  const apps = createAllInOneApps(readSettings(settings, env), { logger, metrics, exit });
  server = await serveHttp({ apps, logger, metrics, port: 0, host: '127.0.0.1' });
});

afterAll(() => server.close(0));

describe('all services in one process', () => {
  test('have one registry of metrics, without a name that two of them use', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    for (const service of ['gateway', 'query', 'admin', 'ingestor', 'delivery'])
      expect(text).toContain(`docket_${service}_`);
  });

  test('say on /readyz what each of them lacks', async () => {
    const response = await fetch(`${server.url}/readyz`);
    expect(response.status).toBe(503);
    const { checks } = Object(await response.json());
    const services = new Set(Object.keys(Object(checks)).map((name) => name.split('.')[0]));
    expect([...services].toSorted()).toEqual(['admin', 'delivery', 'gateway', 'ingestor', 'query']);
  });

  test.each([
    ['DELETE', '/v1/events', 'GET, HEAD, POST'],
    ['PUT', '/v1/tenants', 'GET, HEAD, POST'],
    ['POST', '/v1/subscriptions/1', 'DELETE, GET, HEAD, PATCH'],
  ])('%s %s: Allow names what all of them take', async (method, path, allow) => {
    const response = await fetch(`${server.url}${path}`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
  });

  test.each([
    ['POST', '/v1/events'],
    ['GET', '/v1/events'],
    ['GET', '/v1/tenants'],
  ])('%s %s is served here', async (method, path) => {
    expect([401, 503]).toContain((await fetch(`${server.url}${path}`, { method })).status);
  });

  test('take the settings of all, but where query, admin and delivery are', () => {
    const names = describeSettings(settings).map((row) => row.env);
    const gateways = describeSettings(gatewaySettings).map((row) => row.env);
    expect(gateways.filter((name) => !names.includes(name))).toEqual(['ADMIN_URL', 'DELIVERY_URL', 'QUERY_URL']);
    expect(describeSettings(settings).find((row) => row.env === 'HTTP_PORT')?.default).toBe('8080');
  });
});
