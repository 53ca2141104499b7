import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import {
  addDocumentRoutes,
  createApiRouter,
  createLogger,
  healthOf,
  serveHttp,
  type HttpServer,
} from '../../src/index.ts';

const document = { openapi: '3.1.0', info: { title: 'T' } };
let server: HttpServer;

beforeAll(async () => {
  const router = createApiRouter();
  addDocumentRoutes(router, () => document);
  const app = { start: () => Promise.resolve(), stop: () => Promise.resolve(), health: () => healthOf({}), router };
  const logger = createLogger({ service: 'test', level: 'silent' });
  server = await serveHttp({ apps: { app }, logger, metrics: new Registry(), port: 0, host: '127.0.0.1' });
});
afterAll(() => server.close(0));

async function get(path: string): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${server.url}${path}`);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe('the documentation', () => {
  test('has the document', async () => {
    const { status, text } = await get('/openapi.json');
    expect([status, JSON.parse(text)]).toEqual([200, document]);
  });

  test('has a page of which every part is served here, and which may load nothing from elsewhere', async () => {
    const { status, headers, text } = await get('/docs');
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    const parts = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(parts).toHaveLength(3);
    for (const path of parts) {
      const part = await get(path);
      expect([path, part.status]).toEqual([path, 200]);
      expect(part.headers.get('content-type')).toMatch(path.endsWith('.css') ? /^text\/css/ : /^text\/javascript/);
      expect(part.text.length).toBeGreaterThan(50);
    }
    expect(text).not.toMatch(/<script>|style=/);
  });

  test.each(['/docs/package.json', '/docs/..%2fpackage.json', '/docs/index.html'])('has no %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});
