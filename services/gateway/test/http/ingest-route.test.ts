import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createDirectoryState, newApiKey, type ApiKey, type DirectoryView } from '@docket/directory';
import type { Publisher, PublishRecord } from '@docket/kafka';
import { createApiRouter, createBudget, createLogger, DocketError, serveHttp } from '@docket/runtime';
import type { HttpServer } from '@docket/runtime';
import fc from 'fast-check';
import { Registry } from 'prom-client';

import { publishEvents } from '../../src/endpoints.ts';
import { createIngestRoute, type IngestContext } from '../../src/http/ingest-route.ts';
import { createJudges } from '../../src/judging/judges.ts';
import { createGatewayMetrics } from '../../src/metrics.ts';
import { requestBytesMax } from '../../src/limits.ts';
import { createRateLimits } from '../../src/rate-limits.ts';

/** What the route decides before Kafka: here the publisher only notes what it was handed. What Kafka does with it is for the contract test. */
const published: PublishRecord[] = [];
let isAcknowledged = true;
let isStalled = false;
const publisher: Publisher = {
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  publish: (_topic, records) => {
    if (!isAcknowledged) {
      const error = new DocketError('kafka_unavailable', 'away');
      return Promise.resolve(records.map(() => ({ ok: false, reason: 'unavailable', error })));
    }
    published.push(...records);
    return Promise.resolve(records.map((_record, offset) => ({ ok: true, partition: 0, offset })));
  },
  stats: () => ({ queuedBytes: 0, queueBytesMax: 1, isStalled }),
};

const mebibyte = 1024 * 1024;
const keys = { acme: newApiKey(), several: newApiKey(), reader: newApiKey() };
const directory = createDirectoryState();
const budget = createBudget(32 * mebibyte, requestBytesMax);
let limits = createRateLimits({ key: 0, tenant: 0 });
let isCaughtUp = true;
let isReady = true;
let server: HttpServer;

function storeKey(made: ReturnType<typeof newApiKey>, scopes: ApiKey['scopes'], tenants: ApiKey['tenants']): void {
  const at = '2026-01-01T00:00:00.000Z';
  directory.apply({
    type: 'put',
    entity: {
      version: 1,
      kind: 'key',
      id: made.id,
      name: '',
      secret_sha256: made.secretSha256,
      scopes,
      tenants,
      created_at: at,
    },
  });
}

beforeAll(async () => {
  storeKey(keys.acme, ['events:write'], ['acme']);
  storeKey(keys.several, ['events:write'], ['acme', 'beta']);
  storeKey(keys.reader, ['events:read', 'admin'], '*');
  const logger = createLogger({ service: 'test', level: 'silent' });
  const metrics = new Registry();
  const view: DirectoryView = {
    ...directory,
    start: () => undefined,
    stop: () => Promise.resolve(),
    isCaughtUp: () => isCaughtUp,
    waitUntilCaughtUp: () => Promise.resolve(),
    refresh: () => Promise.resolve(),
    waitUntilReached: () => Promise.resolve(),
    onChange: () => () => undefined,
    onWriter: () => () => undefined,
    check: () => ({ ok: true }),
  };
  const context: IngestContext = {
    view,
    keyUses: { note: () => undefined },
    publisher,
    eventsTopic: 'audit.events',
    recordForm: () => (isReady ? { schemaId: 1, partitions: 12 } : undefined),
    budget,
    limits: {
      begin: (...given) => limits.begin(...given),
      take: (...given) => limits.take(...given),
      tenantsTracked: () => limits.tenantsTracked(),
    },
    metrics: createGatewayMetrics(metrics, {
      inFlightBytes: budget.used,
      inFlightBytesMax: budget.limit,
      queuedBytes: () => 0,
      queueBytesMax: () => 1,
      trackedTenants: () => 0,
      trackedTenantsMax: 1,
    }),
    logger,
    judges: createJudges({ threads: 0, knownAmong: undefined, logger, onCrash: () => undefined }),
    leftovers: { leave: () => undefined },
    trustedProxyHops: 0,
  };
  const router = createApiRouter();
  router.addDirect(publishEvents, createIngestRoute(context));
  const app = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    health: () => ({ ready: true, checks: {} }),
    router,
  };
  server = await serveHttp({ apps: { gateway: app }, logger, metrics, port: 0, host: '127.0.0.1' });
});

afterAll(() => server.close(0));

beforeEach(() => {
  published.length = 0;
  limits = createRateLimits({ key: 0, tenant: 0 });
  [isCaughtUp, isReady, isAcknowledged, isStalled] = [true, true, true, false];
});

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

async function send(body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/v1/events`, {
    method: 'POST',
    body: body ?? null,
    headers: { authorization: `Bearer ${keys.acme.text}`, 'content-type': 'application/json', ...headers },
  });
  const parsed: unknown = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body: { ...Object(parsed) } };
}

const event = { action: 'user.created', actor: { type: 'user', id: 'u_1' } };
const one = JSON.stringify(event);
const id = '0199f3c2-0000-7000-8000-000000000001';
const lenient = { prefer: 'handling=lenient' };
const many = (count: number): string => JSON.stringify({ events: Array.from({ length: count }, () => event) });
const nested = (depth: number): string => `{"changes":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const gzip = { 'content-encoding': 'gzip' };

describe('POST /v1/events: bad input', () => {
  test.each<[string, RequestInit['body'], Record<string, string>, number, string]>([
    ['nothing', '', {}, 400, 'invalid_json'],
    ['no JSON', '{"action":', {}, 400, 'invalid_json'],
    ['Latin-1', Buffer.from([0x22, 0xe9, 0x22]), {}, 400, 'invalid_json'],
    ['NDJSON', `${one}\n${one}`, {}, 400, 'invalid_json'],
    ['a string', '"event"', {}, 400, 'invalid_request'],
    ['null', 'null', {}, 400, 'invalid_request'],
    ['a bare array', `[${one}]`, {}, 400, 'invalid_request'],
    ['nesting that only hurts', nested(100_000), {}, 400, 'invalid_json'],
    ['nesting over the event’s limit', nested(100), {}, 422, 'invalid_event'],
    ['text', one, { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['no content type', new Blob([one]), { 'content-type': '' }, 415, 'unsupported_media_type'],
    ['UTF-16', one, { 'content-type': 'application/json; charset=utf-16' }, 415, 'unsupported_media_type'],
    ['brotli', one, { 'content-encoding': 'br' }, 415, 'unsupported_media_type'],
    ['what is not gzip', one, gzip, 400, 'invalid_request'],
    ['half a gzip', gzipSync(one).subarray(0, -9), gzip, 400, 'invalid_request'],
    ['a gzip bomb', gzipSync(Buffer.alloc(64 * mebibyte, ' ')), gzip, 413, 'body_too_large'],
    ['more than 5 MiB', `${one}${' '.repeat(5 * mebibyte)}`, {}, 413, 'body_too_large'],
    ['events that are no array', '{"events":{}}', {}, 422, 'invalid_event'],
    ['no events', '{"events":[]}', {}, 422, 'invalid_event'],
    ['1,001 events', many(1001), {}, 422, 'invalid_event'],
    ['a field beside events', `{"events":[${one}],"tenant_id":"acme"}`, {}, 422, 'invalid_event'],
    ['__proto__ beside events', `{"events":[${one}],"__proto__":{}}`, {}, 422, 'invalid_event'],
    ['events within an event', `{"events":[{"events":[${one}]}]}`, {}, 422, 'invalid_event'],
    ['an empty object', '{}', {}, 422, 'invalid_event'],
    ['a wrong type', '{"action":7,"actor":{"type":"user","id":"u"}}', {}, 422, 'invalid_event'],
    ['constructor as a field', `{"constructor":{},${one.slice(1)}`, {}, 422, 'invalid_event'],
    ['__proto__ in metadata', `{"metadata":{"__proto__":"x"},${one.slice(1)}`, {}, 422, 'invalid_event'],
    ['a lone surrogate', `{"description":"\\ud800",${one.slice(1)}`, {}, 422, 'invalid_event'],
    [
      'an id twice',
      JSON.stringify({
        events: [
          { ...event, id },
          { ...event, id },
        ],
      }),
      {},
      422,
      'invalid_event',
    ],
    ['another’s tenant', JSON.stringify({ ...event, tenant_id: 'beta' }), {}, 403, 'tenant_not_allowed'],
    ['our own tenant', JSON.stringify({ ...event, tenant_id: 'docket.own' }), {}, 403, 'tenant_not_allowed'],
    ['no tenant, key for several', one, { authorization: `Bearer ${keys.several.text}` }, 400, 'tenant_required'],
    ['an empty Idempotency-Key', one, { 'idempotency-key': '' }, 400, 'invalid_request'],
    ['a long Idempotency-Key', one, { 'idempotency-key': 'k'.repeat(256) }, 400, 'invalid_request'],
    ['no credential', one, { authorization: '' }, 401, 'unauthenticated'],
    ['a wrong credential', one, { authorization: `Bearer ${newApiKey().text}` }, 401, 'unauthenticated'],
    ['a key that only reads', one, { authorization: `Bearer ${keys.reader.text}` }, 403, 'insufficient_scope'],
  ])('%s', async (_name, body, headers, status, code) => {
    const answer = await send(body, headers);
    expect(answer).toMatchObject({ status, body: { code, status, request_id: expect.any(String) } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(published).toEqual([]);
    expect(budget.used()).toBe(0);
  });

  test('names each event and field by pointer', async () => {
    const { body } = await send(
      JSON.stringify({ events: [event, { ...event, actor: { type: 'user' } }, { ...event, acton: '' }] }),
    );
    expect(body['errors']).toEqual([
      { pointer: '/events/1/actor/id', detail: 'is required' },
      { pointer: '/events/2/acton', detail: expect.stringContaining('did you mean action?') },
    ]);
  });

  test('a single event’s pointers begin at the event', async () => {
    const { body } = await send('{"action":"user.created"}');
    expect(body['errors']).toEqual([{ pointer: '/actor', detail: 'is required' }]);
  });

  test('whatever JSON comes, the answer is the caller’s matter, and nothing is published that was refused', async () => {
    const value = fc.jsonValue({ maxDepth: 6 });
    const shaped = fc.record(
      {
        id: value,
        action: fc.oneof(fc.constant('user.created'), value),
        actor: fc.oneof(fc.constant({ type: 'user', id: 'u' }), value),
        tenant_id: fc.oneof(fc.constant('acme'), value),
        metadata: fc.dictionary(fc.string(), value),
        changes: fc.array(fc.dictionary(fc.constantFrom('path', 'old', 'new', 'x'), value)),
      },
      { requiredKeys: [] },
    );
    const body = fc.oneof(value, shaped, fc.record({ events: fc.array(fc.oneof(value, shaped), { maxLength: 5 }) }));
    await fc.assert(
      fc.asyncProperty(body, fc.boolean(), async (sent, isLenient) => {
        published.length = 0;
        const { status } = await send(JSON.stringify(sent), isLenient ? lenient : {});
        expect([202, 400, 403, 422]).toContain(status);
        expect(published.length > 0).toBe(status === 202);
      }),
      { numRuns: 300 },
    );
  });

  test('a credential is asked for before the body is read or its type judged', async () => {
    expect((await send('x'.repeat(100), { authorization: '', 'content-type': 'text/plain' })).status).toBe(401);
  });
});

describe('POST /v1/events: what is taken', () => {
  test.each<[string, RequestInit['body'], Record<string, string>, number]>([
    ['one event', one, {}, 1],
    ['a batch of one', many(1), {}, 1],
    ['1,000 events', many(1000), {}, 1000],
    ['gzip', gzipSync(many(3)), gzip, 3],
    ['exactly 5 MiB', one.padEnd(5 * mebibyte, ' '), {}, 1],
    ['a named tenant', JSON.stringify({ ...event, tenant_id: 'acme' }), {}, 1],
    [
      'an unknown tenant, made by its first event',
      JSON.stringify({ ...event, tenant_id: 'beta' }),
      { authorization: `Bearer ${keys.several.text}` },
      1,
    ],
  ])('%s', async (_name, body, headers, count) => {
    const answer = await send(body, headers);
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      results: Array.from({ length: count }, () => ({ id: expect.any(String), status: 'published' })),
    });
    expect(answer.headers.get('preference-applied')).toBeNull();
    expect(published).toHaveLength(count);
  });

  test('the same Idempotency-Key gives the same ids', async () => {
    const headers = { 'idempotency-key': 'retry' };
    const first = await send(many(3), headers);
    expect((await send(many(3), headers)).body).toEqual(first.body);
    expect((await send(many(3), { 'idempotency-key': 'other' })).body).not.toEqual(first.body);
  });

  test('lenient: good ones are published, bad ones set aside with their reason, in the order of the request', async () => {
    const answer = await send(
      JSON.stringify({ events: [event, { ...event, id, action: '' }, 7, { ...event, tenant_id: 'beta' }] }),
      lenient,
    );
    expect(answer.status).toBe(202);
    expect(answer.headers.get('preference-applied')).toBe('handling=lenient');
    expect(answer.body['results']).toEqual([
      { id: expect.any(String), status: 'published' },
      { id, status: 'quarantined', errors: [{ pointer: '/action', detail: expect.any(String) }] },
      { id: expect.any(String), status: 'quarantined', errors: [{ pointer: '', detail: expect.any(String) }] },
      {
        id: expect.any(String),
        status: 'quarantined',
        errors: [{ pointer: '/tenant_id', detail: expect.any(String) }],
      },
    ]);
    expect(published.map(({ key, headers }) => [key, Object.keys(headers ?? {})])).toEqual([
      ['acme', []],
      ['acme', ['docket-reject']],
      ['acme', ['docket-reject']],
      ['acme', ['docket-reject']],
    ]);
  });

  test('lenient: fields that no event has are kept, and the answer says where', async () => {
    const warnings = [{ pointer: '/seats', detail: 'is not a field of an event; kept as metadata _unknown.seats' }];
    const answer = await send(JSON.stringify({ ...event, seats: 5 }), lenient);
    expect(answer).toMatchObject({ status: 202, body: { results: [{ status: 'published', warnings }] } });
  });

  test('lenient is about events: what is no batch is refused all the same', async () => {
    expect((await send('{"events":[]}', lenient)).status).toBe(422);
    expect((await send('{', lenient)).status).toBe(400);
  });
});

describe('POST /v1/events: not now', () => {
  test('before the directory is known: 503, for a good key may not be known yet', async () => {
    isCaughtUp = false;
    const answer = await send(one, { authorization: `Bearer ${newApiKey().text}` });
    expect(answer).toMatchObject({ status: 503, body: { code: 'not_caught_up' } });
    expect(answer.headers.get('retry-after')).toBe('2');
  });

  test.each([
    ['before topics and schema are checked', () => (isReady = false), 'not_ready'],
    ['I8: while Kafka takes nothing', () => (isStalled = true), 'kafka_unavailable'],
  ])('%s: 503 without ids, before the body is read', async (_when, happen, code) => {
    happen();
    const { status, body } = await send('{');
    expect([status, body['code'], body['ids']]).toEqual([503, code, undefined]);
    expect(budget.used()).toBe(0);
  });

  test('I8: over the budget of bytes: 503 overloaded before the body is read, and fine again afterwards', async () => {
    const all = budget.hold(['other'], budget.limit);
    const answer = await send(one);
    expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(answer.headers.get('retry-after')).toBe('1');
    all.release();
    expect((await send(one)).status).toBe(202);
    expect(budget.used()).toBe(0);
  });

  test('I7: a key that has half of the budget under way: 429, while others go on', async () => {
    const half = budget.take([keys.acme.id], budget.limit / 2);
    expect(await send(one)).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    const other = { authorization: `Bearer ${keys.several.text}` };
    expect((await send(JSON.stringify({ ...event, tenant_id: 'acme' }), other)).status).toBe(202);
    if (half.ok) half.lease.release();
  });

  test('I7: a tenant over its quota: 429 with Retry-After and what is left; nothing of the request is published', async () => {
    limits = createRateLimits({ key: 1_000, tenant: 1 });
    const first = await send(many(10));
    expect(first.status).toBe(202);
    expect(first.headers.get('ratelimit-policy')).toBe(
      '"key";q=10000;qu="events";w=10, "tenant";q=10;qu="events";w=10',
    );
    expect(first.headers.get('ratelimit')).toMatch(/^"key";r=99\d\d;t=1, "tenant";r=0;t=10$/);
    published.length = 0;
    const refused = await send(many(10));
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'rate_limited', errors: [{ pointer: '/events/0/tenant_id' }] },
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(8);
    expect(refused.headers.get('ratelimit')).toContain('"tenant";r=0;');
    expect(published).toEqual([]);
    expect(budget.used()).toBe(0);
  });

  test('I7: a key over its quota: 429 before the body is read, also when all it sends is wrong', async () => {
    limits = createRateLimits({ key: 1, tenant: 0 });
    for (let n = 0; n < 10; n += 1) expect((await send('{')).status).toBe(400);
    const refused = await send('{');
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await send(one, { authorization: `Bearer ${keys.several.text}` })).status).toBe(400);
  });

  test('I1: not acknowledged: 503 with Retry-After and the ids used, which a retry uses again', async () => {
    isAcknowledged = false;
    const answer = await send(many(2), { 'idempotency-key': 'k' });
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'kafka_unavailable', ids: [expect.any(String), expect.any(String)] },
    });
    expect(answer.headers.get('retry-after')).toBe('2');
    isAcknowledged = true;
    const { results } = (await send(many(2), { 'idempotency-key': 'k' })).body;
    const [first, second] = Object.values(Object(answer.body['ids']));
    expect(results).toEqual([
      { id: first, status: 'published' },
      { id: second, status: 'published' },
    ]);
  });
});
