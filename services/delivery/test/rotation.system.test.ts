import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createWorld, eventually, startService } from '@docket/testkit';
import type { ReceivedRequest, ServiceProcess, World } from '@docket/testkit';
import { Webhook } from 'standardwebhooks';

import { deliveryEnv, record, startDelivery, subscribe, untilAccepted } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';
import { ask } from './subscriber-for-tests.ts';

const token = randomBytes(24).toString('hex');
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

/** Whether `standardwebhooks` takes a request for signed with a secret. */
function isSignedWith(secret: string, { body, headers }: ReceivedRequest): boolean {
  const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  try {
    new Webhook(secret).verify(body, flat);
    return true;
  } catch {
    return false;
  }
}

/** The last request, once one of an event that is recorded now is there. */
async function next(): Promise<ReceivedRequest> {
  await untilAccepted(one.receiver, await record(world, 'acme', 1));
  const last = one.receiver.requests.at(-1);
  if (last === undefined) throw new Error('nothing was received');
  return last;
}

const signaturesOf = ({ headers }: ReceivedRequest): number => String(headers['webhook-signature']).split(' ').length;

test('during the overlap both secrets have signed, behind it the new one alone; a given secret is taken, and none is in a log', async () => {
  const path = `/v1/subscriptions/${one.subscription.id}/rotate-secret`;
  expect(signaturesOf(await next())).toBe(1);

  const rotated = await ask(manager, token, 'POST', path, { overlap_seconds: 3_600 });
  expect(rotated).toMatchObject({ status: 200, body: { previous_valid_until: expect.stringMatching(/^20/) } });
  const fresh = String(rotated.body['secret']);
  let both = await next();
  await eventually(async () => signaturesOf((both = await next())) === 2, { what: 'two signatures' });
  expect(both.signature).toBe('valid');
  expect(isSignedWith(fresh, both)).toBe(true);

  // The overlap of the first ends with the second rotation, which has a short one.
  const given = `whsec_${randomBytes(32).toString('base64')}`;
  const second = await ask(manager, token, 'POST', path, { secret: given, overlap_seconds: 2 });
  expect(second.body['secret']).toBe(given);
  let alone = await next();
  await eventually(async () => isSignedWith(given, (alone = await next())) && signaturesOf(alone) === 1, {
    what: 'the end of the overlap',
  });
  expect(alone.signature).toBe('invalid');
  expect(isSignedWith(fresh, alone)).toBe(false);

  const shown = await ask(manager, token, 'GET', `/v1/subscriptions/${one.subscription.id}`);
  const bad = await ask(manager, token, 'POST', path, { secret: 'whsec_hunter2' });
  expect(bad.status).toBe(422);
  const told = [...manager.logs, ...delivery.logs, shown.text, bad.text].join('\n');
  expect(told).toContain('subscription.secret_rotated');
  for (const secret of [fresh, given, 'hunter2']) expect(told).not.toContain(secret.replace('whsec_', ''));
}, 120_000);
