import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  checkBatchChain,
  createWorld,
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  startService,
} from '@docket/testkit';
import type { Receiver, ServiceProcess, World } from '@docket/testkit';
import { startReceiver } from '@docket/testkit';

import { bodiesOf, deliveryEnv } from './delivery-for-tests.ts';
import { ask } from './subscriber-for-tests.ts';

const token = randomBytes(24).toString('hex');
let world: World;
const processes: ServiceProcess[] = [];
let manager: ServiceProcess;
let delivery: ServiceProcess;
let receiver: Receiver;

beforeAll(async () => {
  world = await createWorld({ partitions: 2 });
  receiver = await startReceiver();
  manager = await startService('admin', { ...deliveryEnv(world), DOCKET_BOOTSTRAP_TOKEN: token });
  delivery = await startService('delivery', deliveryEnv(world));
  processes.push(manager, delivery, await startService('ingestor', { ...world.env }));
}, 120_000);

afterAll(async () => {
  for (const process of processes) await process.kill('SIGKILL');
  await receiver.close();
  await world.close();
}, 60_000);

const person = (n: number) => ({ type: 'user', id: `u_secret_${n % 2}`, name: `Secret Name ${n}` });

async function recordPeople(from: number, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, n) =>
    eventInput('acme', { actor: person(from + n), context: { ip: '203.0.113.77', user_agent: 'kept' } }),
  );
  await publishRecords(
    world,
    events.map((input) => eventRecord(world, input)),
  );
}

const received = (): unknown[] => bodiesOf(receiver.accepted());
const untilSeq = (seq: number) =>
  eventually(() => checkBatchChain(received()).range?.toSeq === seq, { what: `seq ${seq}` });

test('what the owner masks reaches no receiver, from the tail or from ClickHouse; the proof holds, and pseudonyms join', async () => {
  const created = await ask(manager, token, 'POST', '/v1/subscriptions', {
    tenant_id: 'acme',
    sink: { type: 'webhook', url: `${receiver.url}/in` },
    batch: { max_events: 4, max_wait_ms: 0 },
    // Filters go by what the event is.
    filter: 'actor:u_secret_0 OR actor:u_secret_1',
    mask: [
      { field: 'actor.id', action: 'hmac' },
      { field: 'actor.name', action: 'drop' },
      { field: 'context.ip', action: 'drop' },
    ],
  });
  expect(created).toMatchObject({ status: 201, body: { mask: [{ field: 'actor.id' }, {}, {}] } });
  const path = `/v1/subscriptions/${String(created.body['id'])}`;
  await recordPeople(0, 10);
  // The first seq tells that the subscription was made.
  await untilSeq(11);
  // Once more, now from what is stored.
  const stored = async () => {
    const [row] = await world.clickhouse.query<{ seq: number }>('SELECT max(seq) AS seq FROM audit_events');
    return row?.seq === 11;
  };
  await eventually(stored, { what: 'all is stored' });
  const seen = receiver.accepted().length;
  expect((await ask(manager, token, 'POST', `${path}/resume`, { from: { time: '2026-01-01T00:00:00Z' } })).status).toBe(
    200,
  );
  await eventually(() => (checkBatchChain(received().slice(seen)).range?.toSeq ?? 0) >= 11, {
    what: 'everything again',
  });

  const chain = checkBatchChain(received(), { mayOverlap: true });
  expect(chain.problems).toEqual([]);
  expect(chain.events.map(({ seq }) => seq)).toEqual(Array.from({ length: 10 }, (_, n) => n + 2));
  const text = receiver
    .accepted()
    .map(({ body }) => body.toString())
    .join('\n');
  for (const hidden of ['u_secret', 'Secret Name', '203.0.113.77']) expect(text).not.toContain(hidden);
  expect(text).toContain('"user_agent":"kept"');
  const pseudonyms = [...text.matchAll(/"actor":\{"type":"user","id":"(hmac:[\w-]{22})"\}/g)].map(([, id]) => id);
  expect(pseudonyms).toHaveLength(20);
  expect(new Set(pseudonyms).size).toBe(2);

  // Changed, it holds from the cursor on.
  expect((await ask(manager, token, 'PATCH', path, { mask: [] })).status).toBe(200);
  await eventually(
    async () => {
      await recordPeople(10, 1);
      return receiver.accepted().some(({ body }) => body.includes('"id":"u_secret_0","name":"Secret Name 10"'));
    },
    { what: 'an event without a mask', intervalMs: 300 },
  );
}, 120_000);
