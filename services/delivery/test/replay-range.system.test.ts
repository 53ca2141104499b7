import { randomBytes } from 'node:crypto';

import { partitionOf } from '@docket/event';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkBatchChain, createWorld, eventually, startReceiver, startService } from '@docket/testkit';
import type { Receiver, ServiceProcess, World } from '@docket/testkit';

import { bodiesOf, deliveryEnv, record } from './delivery-for-tests.ts';
import { expectGapWithout, expectNothingMissing } from './receiver-account.ts';
import { ask, putKey } from './subscriber-for-tests.ts';

const token = randomBytes(24).toString('hex');
let world: World;
let manager: ServiceProcess;
let delivery: ServiceProcess;
let receiver: Receiver;
let key = '';
const processes: ServiceProcess[] = [];

beforeAll(async () => {
  world = await createWorld({ partitions: 2 });
  receiver = await startReceiver();
  manager = await startService('admin', { ...deliveryEnv(world), DOCKET_BOOTSTRAP_TOKEN: token });
  delivery = await startService('delivery', deliveryEnv(world));
  processes.push(manager, delivery, await startService('ingestor', { ...world.env }));
  key = await putKey(world, ['subscriptions:write'], ['acme']);
}, 120_000);

afterAll(async () => {
  for (const process of processes) await process.kill('SIGKILL');
  await receiver.close();
  await world.close();
}, 60_000);

/** What a subscription has sent and the receiver taken. */
const takenOf = (id: string): unknown[] =>
  bodiesOf(receiver.accepted()).filter((body) => Object(body).data.subscription_id === id);

test('a range is counted first, then sent once more beside the live stream, tagged and in order, and ends; over an outage and a crash', async () => {
  const created = await ask(manager, token, 'POST', '/v1/subscriptions', {
    tenant_id: 'acme',
    sink: { type: 'webhook', url: `${receiver.url}/in`, secret: `whsec_${randomBytes(32).toString('base64')}` },
    batch: { max_events: 5, max_wait_ms: 0 },
    filter: '-action:docket.*',
    mask: [{ field: 'actor.name', action: 'hmac' }],
  });
  const id = String(created.body['id']);
  const path = `/v1/subscriptions/${id}`;
  const ids = await record(world, 'acme', 30);
  const untilSeq = (seq: number) =>
    eventually(() => (checkBatchChain(takenOf(id)).range?.toSeq ?? 0) >= seq, { what: `seq ${seq}` });
  // The first seq tells that the subscription was made.
  await untilSeq(31);

  let dry = await ask(delivery, key, 'GET', `${path}/replay/dry-run`);
  await eventually(
    async () => (dry = await ask(delivery, key, 'GET', `${path}/replay/dry-run`)).body['events'] === 30,
    { what: 'all is stored' },
  );
  expect(dry.body).toEqual({ events: 30, first_seq: 2, last_seq: 31 });
  expect((await ask(delivery, key, 'GET', `${path}/replay/dry-run?until=2026-01-01T00:00:00Z`)).body).toEqual({
    events: 0,
  });
  expect((await ask(delivery, key, 'GET', `${path}/replay/dry-run?since=yesterday`)).status).toBe(400);
  expect(receiver.accepted()).toEqual(receiver.requests);

  // The receiver fails while the replay begins, the service dies in the middle, and events go on.
  receiver.answer({ kind: 'status', status: 503, times: 3 });
  const asked = await ask(manager, token, 'POST', `${path}/replay`, { from_seq: 7, to_seq: 26 });
  expect(asked).toMatchObject({ status: 201, body: { replay: { of: id, to_seq: 26 }, start_after_seq: 6 } });
  const replayId = String(asked.body['id']);
  await eventually(() => takenOf(replayId).length > 0, { what: 'the replay begins' });
  await delivery.kill('SIGKILL');
  const more = await record(world, 'acme', 10);
  delivery = await startService('delivery', deliveryEnv(world));
  processes.push(delivery);
  const isDone = async () =>
    (await ask(delivery, key, 'GET', `/v1/subscriptions/${replayId}/status`)).body['seq'] === 26;
  await eventually(isDone, { what: 'the end of the replay', deadlineMs: 60_000 });
  const lastOf = more.at(-1) ?? '';
  await eventually(() => takenOf(id).some((body) => JSON.stringify(body).includes(lastOf)), {
    what: 'the live stream',
  });

  // Everything of the range, first receipts in order, all of it tagged; the live stream's chain knows nothing of it.
  const chain = checkBatchChain(takenOf(replayId), { mayOverlap: true });
  expect(chain.problems).toEqual([]);
  expect([...new Set(chain.replayed.map((event) => event.id))]).toEqual(ids.slice(5, 25));
  expect(chain.events).toEqual([]);
  const live = checkBatchChain(takenOf(id), { mayOverlap: true });
  expect(live).toMatchObject({ problems: [], replayed: [] });
  expect(live.events.map((event) => event.id)).toEqual([...ids, ...more]);
  // In one index, with the replay among the live stream: of what is in the replay, too, nothing is missing without it.
  const [ofReplay, ofStream] = [takenOf(replayId), takenOf(id)];
  expectNothingMissing([...ofReplay, ...ofStream], [...ids, ...more], ids[27] ?? '');
  expectNothingMissing([...ofStream, ...ofReplay], [...ids, ...more], ids[27] ?? '');
  expectGapWithout([...ofStream, ...ofReplay], ids[27] ?? '');

  // Masked with the same pseudonyms, or the two could not be told to be the same.
  const names = (of: string) => new Set(JSON.stringify(takenOf(of)).match(/hmac:[\w-]{22}/g));
  expect(names(replayId)).toEqual(names(id));
  expect(names(id).size).toBe(1);

  // It is done, and says so; what retention has cut meanwhile is said to be missing, and does not keep a replay from its end.
  const replayOf = async (replayed: string) =>
    (await ask(manager, token, 'GET', `/v1/subscriptions/${replayed}`)).body['replay'];
  await eventually(async () => Object(await replayOf(replayId)).done === true, { what: 'admin knows of the end' });
  await world.clickhouse.command(
    `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq) VALUES (1, ${partitionOf('acme', 2)}, 'acme', 21, 20)`,
  );
  await world.clickhouse.command(
    `ALTER TABLE audit_events DELETE WHERE tenant_id = 'acme' AND seq < 21 SETTINGS mutations_sync = 1`,
  );
  for (const [from, to, expired] of [
    [6, 15, 10],
    [16, 25, 5],
  ] as const) {
    const again = await ask(manager, token, 'POST', `${path}/replay`, { from_seq: from, to_seq: to });
    const againId = String(again.body['id']);
    expect(again.body['replay']).toEqual({ of: id, to_seq: to, done: false });
    await eventually(async () => Object(await replayOf(againId)).done === true, {
      what: `the end of ${from} to ${to}`,
    });
    const batches = takenOf(againId).map((body) => Object(body).data.batch);
    expect(batches[0]).toMatchObject({ from_seq: from, skipped: { expired } });
    expect(batches.at(-1)).toMatchObject({ to_seq: to });
    expect(checkBatchChain(takenOf(againId)).replayed).toHaveLength(to - from + 1 - expired);
  }

  // It ends with the subscription.
  expect((await ask(manager, token, 'DELETE', path)).status).toBe(204);
  expect((await ask(manager, token, 'GET', `/v1/subscriptions/${replayId}`)).status).toBe(404);
}, 180_000);
