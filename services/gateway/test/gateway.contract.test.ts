import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDirectoryView, createDirectoryWriter, newApiKey } from '@docket/directory';
import type { ApiKey, DirectoryView, DirectoryWriter, Entity } from '@docket/directory';
import { createEventDecoder, createRecordMac, partitionOf, readRecord } from '@docket/event';
import type { LogRecord, Reading } from '@docket/event';
import { createKafka, dropTopics, ensureTopics, kafkaSettings, readTopic, valueSubjectOf } from '@docket/kafka';
import { createLogger, readSettings, serveHttp } from '@docket/runtime';
import type { App, HttpServer } from '@docket/runtime';
import { auditEventAvro } from '@docket/schemas';
import { createWorld, eventually } from '@docket/testkit';
import type { World } from '@docket/testkit';
import { Registry } from 'prom-client';

import { createGatewayApp } from '../src/app.ts';
import { settings } from '../src/config.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const decode = createEventDecoder(auditEventAvro);
const crash = (error: Error): never => {
  throw error;
};

interface Gateway {
  readonly app: App;
  readonly server: HttpServer;
}

let world: World;
let view: DirectoryView;
let writer: DirectoryWriter;
let gateway: Gateway;
let key: string;
const running: Gateway[] = [];

beforeAll(async () => {
  world = await createWorld();
  view = createDirectoryView(world.kafka, { onCrash: crash });
  writer = createDirectoryWriter(world.kafka, { view, onFenced: crash, answerMsMax: 60_000 });
  view.start();
  writer.start();
  key = await newKey('*');
  gateway = await startGateway();
}, 90_000);

afterAll(async () => {
  for (const { app, server } of running) {
    await server.close(0);
    await app.stop();
  }
  await writer.stop();
  await view.stop();
  await world.close();
}, 60_000);

async function startGateway(env: Record<string, string> = {}, isExpectedReady = true): Promise<Gateway> {
  const metrics = new Registry();
  const app = createGatewayApp(readSettings(settings, { ...world.env, GATEWAY_JUDGE_THREADS: '0', ...env }), {
    logger,
    metrics,
    exit: crash,
  });
  const server = await serveHttp({ apps: { gateway: app }, logger, metrics, port: 0, host: '127.0.0.1' });
  await app.start();
  const started = { app, server };
  running.push(started);
  if (isExpectedReady) await eventually(() => app.health().ready, { what: 'a ready gateway' });
  return started;
}

async function put(...puts: Entity[]): Promise<void> {
  await writer.change(
    () => ({ puts, result: undefined }),
    () => [],
  );
}

async function newKey(tenants: ApiKey['tenants']): Promise<string> {
  const made = newApiKey();
  const created_at = new Date().toISOString();
  await put({
    version: 1,
    kind: 'key',
    id: made.id,
    name: 'test',
    secret_sha256: made.secretSha256,
    scopes: ['events:write'],
    tenants,
    created_at,
  });
  return made.text;
}

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

async function send(body: unknown, headers: Record<string, string> = {}, to: Gateway = gateway): Promise<Answer> {
  const response = await fetch(`${to.server.url}/v1/events`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
  });
  const parsed: unknown = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body: { ...Object(parsed) } };
}

/** All that the log holds, as every reader of it reads it. */
async function readLog(): Promise<{ record: LogRecord; reading: Reading }[]> {
  const rules = { partitions: world.partitions, decoderOf: () => decode, mac: createRecordMac([]) };
  const found: { record: LogRecord; reading: Reading }[] = [];
  await readTopic(world.kafka, {
    topic: world.kafka.topics.events.name,
    onRecords: (records) => {
      for (const record of records) found.push({ record, reading: readRecord(record, rules) });
    },
  });
  return found;
}

function newTenantId(): string {
  return `t-${randomBytes(4).toString('hex')}`;
}

const eventOf = (tenant_id: string, n = 0) => ({
  tenant_id,
  action: 'user.created',
  actor: { type: 'user', id: `u_${n}` },
});

describe('the gateway on Kafka', () => {
  test('I1: what was answered 202 is in the log: in its tenant’s, in the order sent, stamped, under the registered schema', async () => {
    const tenants = [newTenantId(), newTenantId(), newTenantId()];
    const events = Array.from({ length: 300 }, (_, n) => eventOf(tenants[n % 3] ?? '', n));
    const answer = await send({ events });
    expect(answer.status).toBe(202);

    const [schemaId] = await world.registry.subjectIds(valueSubjectOf(world.kafka.topics.events.name));
    const log = await readLog();
    for (const tenant of tenants) {
      const mine = log.filter(({ reading }) => reading.log === tenant);
      expect(mine.map(({ reading }) => reading.kind === 'event' && reading.event.actor.id)).toEqual(
        events.flatMap(({ tenant_id, actor }) => (tenant_id === tenant ? [actor.id] : [])),
      );
      for (const { record, reading } of mine) {
        expect(record.partition).toBe(partitionOf(tenant, world.partitions));
        expect(reading).toMatchObject({
          schemaId,
          event: { ingest: { key_id: key.slice(3, 19), received_from: '127.0.0.1' } },
        });
      }
    }
  }, 60_000);

  test('lenient: what was set aside is in the log as rejected, with the reason', async () => {
    const tenant = newTenantId();
    const answer = await send(
      { events: [eventOf(tenant), { ...eventOf(tenant), action: '' }, 'no event'] },
      { prefer: 'handling=lenient' },
    );
    expect(answer.status).toBe(202);
    const log = await readLog();
    expect(log.filter(({ reading }) => reading.log === tenant).map(({ reading }) => reading)).toMatchObject([
      { kind: 'event' },
      { kind: 'quarantined', reason: 'rejected', detail: expect.stringContaining('/action') },
    ]);
    expect(log.filter(({ record }) => record.value?.toString() === '"no event"')).toMatchObject([
      { reading: { kind: 'quarantined', reason: 'rejected', log: expect.stringMatching(/^!p/) } },
    ]);
  }, 60_000);

  test('the trace of a request is in the headers of its record; a single event that is given an id takes its trace id', async () => {
    const tenant = newTenantId();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    expect((await send(eventOf(tenant), { traceparent })).status).toBe(202);
    expect((await send({ events: [eventOf(tenant)] }, { traceparent })).status).toBe(202);
    const mine = (await readLog()).filter(({ reading }) => reading.log === tenant);
    expect(mine.map(({ record }) => record.headers['traceparent']?.toString())).toEqual([traceparent, traceparent]);
    expect(mine.map(({ reading }) => reading.kind === 'event' && reading.event.context.trace_id)).toEqual([
      traceId,
      '',
    ]);
  }, 60_000);

  test('a request that is sent again in another trace is the same event', async () => {
    const tenant = newTenantId();
    for (const traceId of ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c']) {
      const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, 'idempotency-key': 'once' };
      expect((await send(eventOf(tenant), headers)).status).toBe(202);
    }
    const mine = (await readLog()).filter(({ reading }) => reading.log === tenant);
    const [first, again] = mine.map(({ record }) => record.value);
    expect(mine).toHaveLength(2);
    expect(again).toEqual(first);
  }, 60_000);

  test('I7: limits by settings: a tenant over its quota is 429, another one goes on', async () => {
    const limited = await startGateway({ GATEWAY_TENANT_EVENTS_PER_SECOND: '1' });
    const [busy, calm] = [newTenantId(), newTenantId()];
    const events = Array.from({ length: 10 }, (_, n) => eventOf(busy, n));
    expect((await send({ events }, {}, limited)).status).toBe(202);
    const refused = await send({ events: [eventOf(calm), ...events] }, {}, limited);
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'rate_limited', errors: [{ pointer: '/events/1/tenant_id' }] },
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await send(eventOf(calm), {}, limited)).status).toBe(202);
    const metrics = await (await fetch(`${limited.server.url}/metrics`)).text();
    expect(metrics).toContain('docket_gateway_limited_requests_total{by="tenant"} 1');
  }, 60_000);

  test('many at once: every 202 is in the log exactly once', async () => {
    const tenant = newTenantId();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        send({ events: Array.from({ length: 20 }, (_unused, m) => eventOf(tenant, 20 * n + m)) }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    const ids = (await readLog()).flatMap(({ reading }) =>
      reading.kind === 'event' && reading.log === tenant ? [reading.event.id] : [],
    );
    const answered = answers.flatMap(({ body }) =>
      Object.values(Object(body['results'])).map((result) => String(Object(result).id)),
    );
    expect(ids.toSorted()).toEqual(answered.toSorted());
    expect(new Set(ids).size).toBe(1000);
  }, 60_000);

  test('a key works as soon as the directory has it, for its tenants alone, and no longer once revoked', async () => {
    const tenant = newTenantId();
    const own = await newKey([tenant]);
    const headers = { authorization: `Bearer ${own}` };
    const { tenant_id: _tenant, ...nameless } = eventOf('');
    await eventually(async () => (await send(nameless, headers)).status === 202, { what: 'a known key' });
    expect(await send(eventOf(newTenantId()), headers)).toMatchObject({
      status: 403,
      body: { code: 'tenant_not_allowed' },
    });
    const stored = view.key(own.slice(3, 19));
    if (stored === undefined) throw new Error('the key is not in the view');
    await put({ ...stored, revoked_at: new Date().toISOString() });
    await eventually(async () => (await send(nameless, headers)).status === 401, { what: 'a revoked key' });
  }, 60_000);

  test('TENANTS_AUTOCREATE=false: only tenants of the directory are taken', async () => {
    const strict = await startGateway({ TENANTS_AUTOCREATE: 'false' });
    const tenant = newTenantId();
    expect(await send(eventOf(tenant), {}, strict)).toMatchObject({
      status: 422,
      body: { code: 'unknown_tenant', errors: [{ pointer: '/tenant_id' }] },
    });
    await put({ version: 1, kind: 'tenant', id: tenant, name: tenant, created_at: new Date().toISOString() });
    await eventually(async () => (await send(eventOf(tenant), {}, strict)).status === 202, { what: 'a known tenant' });
  }, 60_000);

  test('I1: without topics or schema it is not ready and says what to do; once they are there it is', async () => {
    const prefix = `test-${randomBytes(5).toString('hex')}.`;
    const env = { ...world.env, KAFKA_TOPIC_PREFIX: prefix };
    const late = await startGateway(env, false);
    await eventually(() => late.app.health().checks['topics']?.detail?.includes('docket migrate'), {
      what: 'the remedy',
    });
    await eventually(() => late.app.health().checks['schema']?.detail?.includes('docket migrate'), {
      what: 'the remedy',
    });
    expect((await fetch(`${late.server.url}/readyz`)).status).toBe(503);
    expect((await send(eventOf('acme'), {}, late)).status).toBe(503);

    const kafka = createKafka(readSettings(kafkaSettings, env), { logger, clientId: 'test' });
    try {
      await ensureTopics(kafka, { partitions: 2 });
      await world.registry.register(valueSubjectOf(kafka.topics.events.name), auditEventAvro);
      await eventually(() => late.app.health().ready, { what: 'a ready gateway' });
    } finally {
      await dropTopics(kafka);
    }
  }, 90_000);

  test('I1: when Kafka does not take events: 503 within 5 s, naming the ids', async () => {
    const lost = await createWorld();
    try {
      const cutOff = await startGateway(lost.env);
      const made = newApiKey();
      const ownView = createDirectoryView(lost.kafka, { onCrash: crash });
      const ownWriter = createDirectoryWriter(lost.kafka, { view: ownView, onFenced: crash, answerMsMax: 60_000 });
      ownView.start();
      ownWriter.start();
      const at = new Date().toISOString();
      await ownWriter.change(
        () => ({
          puts: [
            {
              version: 1,
              kind: 'key',
              id: made.id,
              name: '',
              secret_sha256: made.secretSha256,
              scopes: ['events:write'],
              tenants: '*',
              created_at: at,
            },
          ],
          result: undefined,
        }),
        () => [],
      );
      await ownWriter.stop();
      await ownView.stop();
      const headers = { authorization: `Bearer ${made.text}` };
      await eventually(async () => (await send(eventOf('acme'), headers, cutOff)).status === 202, {
        what: 'a first 202',
      });

      await dropTopics(lost.kafka);
      const id = '0199f3c2-0000-7000-8000-000000000001';
      const startedMs = Date.now();
      const answer = await send({ ...eventOf('acme'), id }, headers, cutOff);
      expect(answer).toMatchObject({ status: 503, body: { code: 'kafka_unavailable', ids: [id] } });
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(Date.now() - startedMs).toBeLessThan(5_000);
    } finally {
      await lost.close();
    }
  }, 90_000);
});
