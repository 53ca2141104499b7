import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createWorld, eventually, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';

import { putSubscription, record, startDelivery, subscribe, untilAccepted } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';
import { ask, putKey } from './subscriber-for-tests.ts';

let world: World;
let ingestor: ServiceProcess;
let delivery: ServiceProcess;
let key = '';
let strangersKey = '';
const subscribers: Subscriber[] = [];

beforeAll(async () => {
  world = await createWorld({ partitions: 2 });
  ingestor = await startService('ingestor', { ...world.env });
  delivery = await startDelivery(world);
  key = await putKey(world, ['subscriptions:write'], ['acme']);
  strangersKey = await putKey(world, ['subscriptions:write', 'admin'], ['beta']);
}, 90_000);

afterAll(async () => {
  for (const process of [ingestor, delivery]) await process.kill('SIGKILL');
  for (const { receiver } of subscribers) await receiver.close();
  await world.close();
}, 60_000);

async function subscribed(options: Parameters<typeof subscribe>[2] = {}): Promise<Subscriber> {
  const one = await subscribe(world, 'acme', options);
  subscribers.push(one);
  const path = `/v1/subscriptions/${one.subscription.id}/status`;
  await eventually(async () => (await ask(delivery, key, 'GET', path)).status === 200, { what: 'it is known' });
  return one;
}

test('a test event is sent at once, signed and tagged, also while the subscription is paused, and moves nothing', async () => {
  const { receiver, subscription } = await subscribed();
  const path = `/v1/subscriptions/${subscription.id}`;
  await putSubscription(world, { ...subscription, state: 'paused', updated_at: new Date().toISOString() });
  const isPaused = async () => (await ask(delivery, key, 'GET', `${path}/status`)).body['state'] === 'paused';
  await eventually(isPaused, { what: 'the pause' });

  expect(await ask(delivery, key, 'POST', `${path}/test`)).toMatchObject({
    status: 200,
    body: { outcome: 'delivered', http_status: 204, duration_ms: expect.any(Number) },
  });
  const [request, ...others] = receiver.requests;
  expect(others).toEqual([]);
  expect(request?.signature).toBe('valid');
  expect(JSON.parse(String(request?.body))).toMatchObject({
    type: 'audit.test',
    data: {
      subscription_id: subscription.id,
      replay: 'test',
      events: [{ action: 'docket.subscription.tested', seq: 0 }],
    },
  });

  receiver.answer({ kind: 'status', status: 401, body: 'who are you' });
  expect((await ask(delivery, key, 'POST', `${path}/test`)).body).toMatchObject({
    outcome: 'misconfigured',
    http_status: 401,
    error: 'status_401',
    answer_excerpt: 'who are you',
  });
  const status = await ask(delivery, key, 'GET', `${path}/status`);
  expect(status.body).toMatchObject({ state: 'paused', seq: 0 });
  expect((await ask(delivery, strangersKey, 'POST', `${path}/test`)).status).toBe(404);
  expect(receiver.requests).toHaveLength(2);
}, 60_000);

test('one test at a time: a second one meanwhile is refused, and a receiver that hangs costs no other subscription its test', async () => {
  const [slow, other] = [await subscribed({ behaviour: { kind: 'hang', times: 1 } }), await subscribed()];
  const testOf = (one: Subscriber) => ask(delivery, key, 'POST', `/v1/subscriptions/${one.subscription.id}/test`);
  const first = testOf(slow);
  await eventually(() => slow.receiver.requests.length === 1, { what: 'the request that hangs' });
  expect((await testOf(slow)).status).toBe(429);
  expect((await testOf(other)).body).toMatchObject({ outcome: 'delivered' });
  expect((await first).body).toMatchObject({ outcome: 'retry', error: 'timeout' });
}, 60_000);

test('a preview is what was delivered, byte for byte, without a secret and without a request; and the log tells that it was looked at', async () => {
  const { receiver, subscription } = await subscribed({
    filter: '-action:docket.*',
    batch: { max_events: 3, max_wait_ms: 0 },
  });
  const path = `/v1/subscriptions/${subscription.id}/preview`;
  expect(await ask(delivery, key, 'GET', path)).toMatchObject({
    status: 200,
    body: { events_last_day: 0, requests: [] },
  });
  const ids = await record(world, 'acme', 12);
  await untilAccepted(receiver, ids);
  const seen = receiver.requests.length;
  const stored = async () => (await ask(delivery, key, 'GET', path)).body['events_last_day'] === 12;
  await eventually(stored, { what: 'all is stored' });

  const { body, text } = await ask(delivery, key, 'GET', path);
  const requests = [...Object(body['requests'])].map((request: unknown) => Object(request));
  const shown = requests.flatMap((request) => [...Object(JSON.parse(request.body)).data.events]);
  expect(shown.map((event: unknown) => Object(event).id)).toEqual(ids.slice(-10));
  expect(requests.map(({ events }) => events)).toEqual([3, 3, 3, 1]);
  // The same events as they were delivered: no member more or less.
  const delivered = receiver.accepted().flatMap((one) => [...Object(JSON.parse(String(one.body))).data.events]);
  expect(shown.slice(1)).toEqual(delivered.slice(-9));
  expect(requests[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': expect.stringMatching(/^msg_/),
    'webhook-signature': 'v1,(signature)',
  });
  expect(text).not.toContain('whsec_');
  expect(receiver.requests.slice(seen).filter(({ body: sent }) => !sent.includes('"count":0'))).toEqual([]);

  const told = async () => {
    const [row] = await world.clickhouse.query<{ events: number }>(
      "SELECT count() AS events FROM audit_events WHERE tenant_id = 'acme' AND action = 'docket.log.previewed' AND status = 'accepted' AND actor_metadata['view'] = 'tenant'",
    );
    return (row?.events ?? 0) >= 2;
  };
  await eventually(told, { what: 'the readings in the log' });
  expect((await ask(delivery, strangersKey, 'GET', path)).status).toBe(404);
}, 120_000);
