import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createWorld, eventually, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';

import { deliveryEnv, record, startDelivery, subscribe, untilAccepted } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';
import { ask } from './subscriber-for-tests.ts';

const token = randomBytes(24).toString('hex');
const password = randomBytes(12).toString('hex');
let world: World;
let manager: ServiceProcess;
let delivery: ServiceProcess;
let one: Subscriber;

beforeAll(async () => {
  world = await createWorld({ partitions: 2 });
  manager = await startService('admin', { ...deliveryEnv(world), DOCKET_BOOTSTRAP_TOKEN: token });
  delivery = await startDelivery(world);
  one = await subscribe(world, 'acme', { batch: { max_wait_ms: 0 } });
}, 90_000);

afterAll(async () => {
  for (const process of [manager, delivery]) await process.kill('SIGKILL');
  await one.receiver.close();
  await world.close();
}, 60_000);

test('an owner’s header is sent from when it is set until it is taken back, and its value is shown nowhere', async () => {
  const path = `/v1/subscriptions/${one.subscription.id}`;
  const sentHeaders = async () => {
    await untilAccepted(one.receiver, await record(world, 'acme', 1));
    return one.receiver.requests.at(-1)?.headers ?? {};
  };
  expect(await sentHeaders()).not.toHaveProperty('authorization');

  const headers = { Authorization: `Bearer ${password}`, 'x-site': 'north' };
  const set = await ask(manager, token, 'PATCH', path, { sink: { headers } });
  expect(set).toMatchObject({ status: 200, body: { sink: { headers: ['authorization', 'x-site'] } } });
  await eventually(async () => (await sentHeaders())['authorization'] === `Bearer ${password}`, {
    what: 'a request with the header',
  });
  expect(one.receiver.requests.at(-1)).toMatchObject({
    headers: { 'x-site': 'north', 'content-type': 'application/json' },
    signature: 'valid',
  });

  const refused = await ask(manager, token, 'PATCH', path, { sink: { headers: { Host: password } } });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: '/sink/headers/Host' }] } });

  const removed = await ask(manager, token, 'PATCH', path, { sink: { headers: {} } });
  expect(removed.body['sink']).not.toHaveProperty('headers');
  await eventually(async () => (await sentHeaders())['authorization'] === undefined, {
    what: 'a request without the header',
  });

  const told = [...manager.logs, ...delivery.logs, set.text, refused.text, removed.text].join('\n');
  expect(told).toContain('subscription.updated');
  expect(told).not.toContain(password);
}, 120_000);
