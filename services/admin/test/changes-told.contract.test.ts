import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@docket/testkit';

import { createAdmins } from './admins-for-tests.ts';
import type { Admins } from './admins-for-tests.ts';
import { toldIn } from './told-changes.ts';

let admins: Admins;

beforeAll(async () => {
  admins = await createAdmins();
  await admins.start();
}, 90_000);

afterAll(() => admins.close(), 60_000);

const sink = { type: 'webhook', url: 'https://siem.example/in' };

test('every change is told once in the logs that it is about; what is refused or changes nothing is not', async () => {
  await admins.newKey({ scopes: ['admin'], tenants: '*' });
  const made = await admins.newKey({ scopes: ['events:write'], tenants: ['told-1', 'told-2'] });
  await admins.call('POST', `/v1/keys/${made.id}/rotate`, {});
  for (let times = 0; times < 2; times += 1) await admins.call('DELETE', `/v1/keys/${made.id}`);
  await admins.call('POST', '/v1/tenants', { id: 'told-1' });
  expect((await admins.call('POST', '/v1/tenants', { id: 'told-1' })).status).toBe(409);
  const ofTwo = await admins.newKey({ scopes: ['subscriptions:write'], tenants: ['told-2'] });
  const { body } = await admins.call('POST', '/v1/subscriptions', { sink, filter: 'actor:u_1' }, ofTwo.key);
  const path = `/v1/subscriptions/${String(body['id'])}`;
  for (let times = 0; times < 2; times += 1) await admins.call('PATCH', path, { filter: 'actor:u_2' }, ofTwo.key);
  const stale = await admins.call('PATCH', path, { name: 'x' }, ofTwo.key, undefined, { 'if-match': '"other"' });
  expect(stale.status).toBe(412);
  await admins.call('PATCH', path, { state: 'paused' }, ofTwo.key);
  await admins.call('POST', `${path}/resume`, { from: 'now' }, ofTwo.key);
  await admins.call('POST', `${path}/rotate-secret`, {}, ofTwo.key);
  const replay = await admins.call('POST', `${path}/replay`, { from_seq: 1, to_seq: 2 }, ofTwo.key);
  await admins.call('POST', `${path}/parked/replay`, { seqs: 'all' }, ofTwo.key);
  await admins.call('DELETE', path, undefined, ofTwo.key);

  const ofKey = ['key.created', 'key.rotated', 'key.revoked'];
  const ofSubscription = ['created', 'updated', 'paused', 'resumed', 'secret_rotated', 'replay_started'];
  const removals = ['subscription.removed', 'subscription.removed'];
  const told = await eventually(
    async () => {
      const all = await toldIn(admins.world);
      return all.filter(({ action }) => action === 'docket.subscription.removed').length < 2 ? undefined : all;
    },
    { what: 'the last events', deadlineMs: 30_000, intervalMs: 500 },
  );
  const of = (log: string) => told.filter(({ tenant_id: id }) => id === log);
  const actionsOf = (log: string) => of(log).map(({ action }) => action.replace(/^docket\./, ''));
  expect(actionsOf('told-1')).toEqual([...ofKey, 'tenant.created']);
  expect(actionsOf('told-2')).toEqual([
    ...ofKey,
    'key.created',
    ...ofSubscription.map((verb) => `subscription.${verb}`),
    ...removals,
  ]);
  const updated = of('told-2').find(({ action }) => action === 'docket.subscription.updated');
  expect(updated).toMatchObject({
    actor: { type: 'api_key', id: ofTwo.id },
    resources: [{ type: 'subscription', id: body['id'] }],
    context: { ip: '127.0.0.1' },
    changes: [{ path: 'filter', old: '"actor:u_1"', new: '"actor:u_2"' }],
  });
  const gone = of('told-2').filter(({ action }) => action === 'docket.subscription.removed');
  expect(gone.map(({ resources }) => resources[0]?.id)).toEqual([body['id'], replay.body['id']]);
  expect(of('told-1')[0]?.actor).toMatchObject({ type: 'bootstrap_token', id: 'bootstrap' });
  // Keys for every tenant are the operators' matter.
  expect(actionsOf('docket.operators')).toEqual(['key.created']);
  expect(JSON.stringify(told)).not.toMatch(/sha256|whsec_|sealed|dk_/);
  expect(JSON.stringify(told)).not.toContain(made.key.slice(20));
}, 60_000);

test('a key for a thousand tenants is told in each of their logs, in one transaction', async () => {
  const tenants = Array.from({ length: 1_000 }, (_, n) => `many-${n}`.padEnd(128, 'x'));
  const headers = { 'user-agent': 'u'.repeat(2_000) };
  const body = { name: 'many', scopes: ['events:read'], tenants };
  const made = await admins.call('POST', '/v1/keys', body, undefined, undefined, headers);
  expect(made.status).toBe(201);
  await eventually(
    async () =>
      (await toldIn(admins.world)).filter(({ resources }) => resources[0]?.id === made.body['id']).length === 1_000,
    { what: 'a thousand events', deadlineMs: 30_000, intervalMs: 1_000 },
  );
}, 60_000);
