import { randomBytes, randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEventDecoder, createRecordMac, readRecord } from '@docket/event';
import { readTopic } from '@docket/kafka';
import { auditEventAvro } from '@docket/schemas';
import { createWorld, eventually, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';

const token = randomBytes(24).toString('hex');
let world: World;
let admin: ServiceProcess;
let gateway: ServiceProcess;

beforeAll(async () => {
  world = await createWorld();
  const masterKey = randomBytes(32).toString('base64');
  admin = await startService('admin', { ...world.env, DOCKET_BOOTSTRAP_TOKEN: token, DOCKET_MASTER_KEY: masterKey });
  // Nothing listens on port 1: query is away.
  gateway = await startService('gateway', { ...world.env, ADMIN_URL: admin.url, QUERY_URL: 'http://127.0.0.1:1' });
}, 120_000);

afterAll(async () => {
  await gateway.kill();
  await admin.kill();
  await world.close();
}, 60_000);

function call(method: string, path: string, credential: string, body?: unknown): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${credential}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function newKey(): Promise<string> {
  const made: unknown = await (
    await call('POST', '/v1/keys', token, { name: 'app', scopes: ['events:write'], tenants: '*' })
  ).json();
  return String(Object(made).key);
}

/** Ids of all events in the log. */
async function storedIds(): Promise<Set<string>> {
  const decode = createEventDecoder(auditEventAvro);
  const rules = { partitions: world.partitions, decoderOf: () => decode, mac: createRecordMac([]) };
  const ids = new Set<string>();
  await readTopic(world.kafka, {
    topic: world.kafka.topics.events.name,
    onRecords: (records) => {
      for (const record of records) {
        const reading = readRecord(record, rules);
        if (reading.kind === 'event') ids.add(reading.event.id);
      }
    },
  });
  return ids;
}

const event = {
  tenant_id: 'acme',
  action: 'user.created',
  actor: { type: 'user', id: 'jane@example.com', name: 'Jane' },
};

describe('the gateway process', () => {
  test.each(['gateway', 'admin'])(
    '%s without Kafka: alive, not ready and saying why, and SIGTERM ends it with 0',
    async (name) => {
      const env = { ...world.env, KAFKA_BROKERS: '127.0.0.1:1', DOCKET_MASTER_KEY: randomBytes(32).toString('base64') };
      const lonely = await startService(name, env, { until: 'listening' });
      try {
        expect((await fetch(`${lonely.url}/healthz`)).status).toBe(200);
        const unready = await eventually(
          async () => {
            const response = await fetch(`${lonely.url}/readyz`);
            const { checks } = Object(await response.json());
            return response.status === 503 && Object(Object(checks).topics).detail?.startsWith('Kafka: ')
              ? checks
              : undefined;
          },
          { what: 'a reason' },
        );
        expect(unready).toMatchObject({ directory: { ok: false } });
        expect(await lonely.stop()).toEqual({ code: 0, signal: null });
      } finally {
        await lonely.kill();
      }
    },
    60_000,
  );

  test('is the one door: a key made through it is good for events within moments', async () => {
    const key = await newKey();
    const accepted = await eventually(
      async () => {
        const response = await call('POST', '/v1/events', key, event);
        return response.status === 202 ? response.json() : undefined;
      },
      { what: 'a 202 for the new key' },
    );
    expect(accepted).toEqual({ results: [{ id: expect.any(String), status: 'published' }] });
  }, 60_000);

  test('the admin’s refusals come through untouched, and query’s absence is 503', async () => {
    const refused = await call('POST', '/v1/tenants', token, { id: 'a b' });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ code: 'invalid_body', errors: [{ pointer: '/id' }] });
    const away = await call('GET', '/v1/events', token);
    expect(away.status).toBe(503);
    expect(await away.json()).toMatchObject({ code: 'upstream_unavailable' });
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });

  test('I1: SIGTERM under load: every 202 is in the log, each request was answered, refused, or never taken; exit 0', async () => {
    const key = await newKey();
    await eventually(async () => (await call('POST', '/v1/events', key, event)).status === 202, {
      what: 'a known key',
    });
    const promised: string[] = [];
    const statuses = new Set<number>();
    let accepted = 0;
    let isRefused = false;
    // Each sends again and again until the gateway takes no more.
    const senders = Array.from({ length: 20 }, async (_, sender) => {
      for (let n = 0; !isRefused; n += 1) {
        const events = Array.from({ length: 50 }, () => ({ ...event, id: randomUUID() }));
        const status = await call('POST', '/v1/events', key, { events }).then(
          (response) => response.status,
          () => 0,
        );
        statuses.add(status);
        if (status === 202) {
          accepted += 1;
          promised.push(...events.map(({ id }) => id));
        } else isRefused = true;
        if (n > 1_000) throw new Error(`sender ${sender} was never refused`);
      }
    });
    await eventually(() => accepted >= 40, { what: 'requests under way' });
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    await Promise.all(senders);
    for (const status of statuses) expect([202, 503, 0]).toContain(status);
    const stored = await storedIds();
    expect(promised.filter((id) => !stored.has(id))).toEqual([]);
  }, 60_000);

  test('the log has a line for each request, with ids and numbers and nothing personal', () => {
    const line = gateway.logs.find((text) => text.includes('events.accepted'));
    const fields: unknown = JSON.parse(line ?? '{}');
    expect(fields).toMatchObject({
      request_id: expect.any(String),
      key_id: expect.any(String),
      published: 1,
      quarantined: 0,
    });
    expect(gateway.logs.join('\n')).not.toMatch(/jane|Jane|dk_[0-9a-f]{16}_/);
  });
});
