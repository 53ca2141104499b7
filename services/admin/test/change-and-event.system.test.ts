import { randomBytes } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createWorld, eventually, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';

import { apiKeys, startKafkaProxy } from './kafka-proxy.ts';
import type { Fate, KafkaProxy } from './kafka-proxy.ts';
import { changesAndEvents } from './told-changes.ts';

const token = randomBytes(24).toString('hex');
const masterKey = randomBytes(32).toString('base64');
let world: World;
let proxy: KafkaProxy;
let running: ServiceProcess[];

beforeEach(async () => {
  running = [];
  world = await createWorld();
  proxy = await startKafkaProxy(world.env['KAFKA_BROKERS'] ?? '');
}, 90_000);

afterEach(async () => {
  for (const service of running) await service.kill();
  await proxy.close();
  await world.close();
}, 60_000);

async function startAdmin(brokers: object = {}): Promise<ServiceProcess> {
  const secrets = { DOCKET_BOOTSTRAP_TOKEN: token, DOCKET_MASTER_KEY: masterKey };
  const service = await startService('admin', { ...world.env, ...secrets, ...brokers });
  running.push(service);
  return service;
}

async function send(service: ServiceProcess, method: string, path: string, body: object): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const sent = fetch(`${service.url}${path}`, { method, headers, body: JSON.stringify(body) });
  return sent.then(
    ({ status }) => status,
    () => 0,
  );
}

const createTenant = (service: ServiceProcess, id: string) => send(service, 'POST', '/v1/tenants', { id });

/** A promise, and what resolves it. */
function moment(): { come: () => void; came: Promise<void> } {
  let come: () => void = () => undefined;
  const came = new Promise<void>((resolve) => (come = resolve));
  return { come, came };
}

/** What is there when a later change can be read, and with it all before it. */
async function settled(service: ServiceProcess): Promise<{ changes: object; events: object }> {
  expect(await createTenant(service, 'later')).toBe(201);
  return eventually(
    async () => {
      const found = await changesAndEvents(world);
      return 'tenant:later' in found.changes && 'tenant:later' in found.events ? found : undefined;
    },
    { what: 'the last change and its event', deadlineMs: 30_000, intervalMs: 500 },
  );
}

/** What becomes of the n-th request of a kind; all others pass. */
function nth(apiKey: number, n: number, fate: Fate, reached: () => void): (asked: number) => Fate {
  let seen = 0;
  return (asked) => {
    if (asked !== apiKey) return 'pass';
    seen += 1;
    if (seen !== n) return 'pass';
    reached();
    return fate;
  };
}

describe('a change and its event are written together', () => {
  test.each<[string, number, number, Fate, string[]]>([
    ['before its records', apiKeys.produce, 1, 'hold', []],
    ['between its record and its event', apiKeys.produce, 2, 'hold', []],
    ['before the commit', apiKeys.endTxn, 1, 'hold', []],
    ['when Kafka has committed, before admin knows', apiKeys.endTxn, 1, 'hold_answer', ['tenant:acme']],
  ])(
    'kill -9 %s: both are there afterwards, or neither',
    async (_when, apiKey, n, fate, expected) => {
      const first = await startAdmin({ KAFKA_BROKERS: proxy.address });
      const { come, came } = moment();
      proxy.decide(nth(apiKey, n, fate, come));
      const answer = createTenant(first, 'acme');
      await came;
      // The commit whose answer is held back has to be there before the kill.
      if (fate === 'hold_answer') {
        await eventually(async () => 'tenant:acme' in (await changesAndEvents(world)).changes, { what: 'the commit' });
      }
      await first.kill('SIGKILL');
      expect(await answer).toBe(0);

      const { changes, events } = await settled(await startAdmin());
      expect(changes).toEqual(events);
      expect(Object.keys(changes).filter((name) => name !== 'tenant:later')).toEqual(expected);
    },
    120_000,
  );

  test('a second admin fences the first within its transaction: neither the change nor its event is there, and the first ends', async () => {
    const first = await startAdmin({ KAFKA_BROKERS: proxy.address });
    const { come, came } = moment();
    proxy.decide(nth(apiKeys.endTxn, 1, 'hold', come));
    const answer = createTenant(first, 'acme');
    await came;
    const second = await startAdmin();
    proxy.release();
    // Its process may end before it has answered.
    expect([0, 503]).toContain(await answer);
    expect(await first.exited).toEqual({ code: 1, signal: null });
    const { changes, events } = await settled(second);
    expect(changes).toEqual(events);
    expect(Object.keys(changes)).toEqual(['tenant:later']);
  }, 120_000);

  test('kill -9 five times among changes of every kind: each change has its event, each event its change', async () => {
    const answers: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const admin = await startAdmin();
      const sent = Array.from({ length: 30 }, async (_, n) => {
        const id = `t${round}-${n}`;
        answers.push(await createTenant(admin, id));
        answers.push(await send(admin, 'POST', '/v1/keys', { name: id, scopes: ['events:read'], tenants: [id] }));
        answers.push(
          await send(admin, 'POST', '/v1/subscriptions', {
            tenant_id: id,
            sink: { type: 'webhook', url: 'https://siem.example/in' },
          }),
        );
      });
      const enough = 10 * (round + 1);
      await eventually(() => answers.filter((status) => status === 201).length >= enough, { what: 'some changes' });
      await admin.kill('SIGKILL');
      await Promise.all(sent);
    }
    const { changes, events } = await settled(await startAdmin());
    expect(changes).toEqual(events);
    expect(Object.keys(changes).length).toBeGreaterThan(50);
    expect(answers).toContain(0);
  }, 240_000);

  test('admins that fence one another while changes are made: what was answered 201 is there, and each change has its event', async () => {
    const made: string[] = [];
    let current = await startAdmin();
    const until = new AbortController();
    const client = async (name: number): Promise<void> => {
      for (let n = 0; !until.signal.aborted; n += 1) {
        const id = `c${name}-${n}`;
        if ((await createTenant(current, id)) === 201) made.push(id);
      }
    };
    const clients = [0, 1, 2].map(client);
    for (let round = 1; round <= 4; round += 1) {
      const before = current;
      current = await startAdmin();
      expect(await before.exited).toEqual({ code: 1, signal: null });
      const enough = made.length + 20;
      await eventually(() => made.length >= enough, { what: 'changes by the new one' });
    }
    until.abort();
    await Promise.all(clients);
    const { changes, events } = await settled(current);
    expect(changes).toEqual(events);
    expect(made.filter((id) => !(`tenant:${id}` in changes))).toEqual([]);
  }, 180_000);

  test('without Kafka a change is refused within five seconds, and is not made when Kafka comes back too late', async () => {
    const admin = await startAdmin({ KAFKA_BROKERS: proxy.address });
    proxy.decide(() => 'hold');
    const startedMs = Date.now();
    const statuses = await Promise.all(['acme', 'beta', 'gamma'].map((id) => createTenant(admin, id)));
    expect(statuses).toEqual([503, 503, 503]);
    expect(Date.now() - startedMs).toBeLessThan(5_000);
    proxy.release();
    // The first may still appear: it had begun. The others waited for it, and never will.
    await eventually(async () => (await createTenant(admin, 'delta')) === 201, {
      what: 'an admin that writes again',
      deadlineMs: 60_000,
      intervalMs: 500,
    });
    const { changes, events } = await settled(admin);
    expect(changes).toEqual(events);
    expect(Object.keys(changes).filter((name) => /beta|gamma/.test(name))).toEqual([]);
  }, 180_000);
});
