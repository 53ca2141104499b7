import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newWebhookSecret } from '@docket/directory';
import { createWorld, eventually, startReceiver, startService } from '@docket/testkit';
import type { Receiver, ServiceProcess, World } from '@docket/testkit';

import { bodiesOf, putSubscription, record, startDelivery, subscribe, untilAccepted } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';

const secret = newWebhookSecret();
let world: World;
let operator: Receiver;
let delivery: ServiceProcess;
let failing: Subscriber;
let other: Subscriber;
const processes: ServiceProcess[] = [];
const settings = (): Record<string, string> => ({
  DELIVERY_NOTICE_AFTER_SECONDS: '1',
  NOTICE_WEBHOOK_URL: `${operator.url}/notices`,
  NOTICE_WEBHOOK_SECRET: secret,
});

beforeAll(async () => {
  world = await createWorld({ partitions: 2 });
  operator = await startReceiver({ secrets: [secret], behaviour: { kind: 'status', status: 503, times: 1 } });
  processes.push(await startService('ingestor', { ...world.env }));
  delivery = await startDelivery(world, settings());
  processes.push(delivery);
  failing = await subscribe(world, 'acme', { batch: { max_wait_ms: 0 } });
  other = await subscribe(world, 'acme', { filter: 'action:docket.subscription.*', batch: { max_wait_ms: 0 } });
}, 120_000);

afterAll(async () => {
  for (const process of processes) await process.kill('SIGKILL');
  for (const receiver of [operator, failing.receiver, other.receiver]) await receiver.close();
  await world.close();
}, 60_000);

const noticesAt = ({ receiver }: Subscriber): { action: string; reason: unknown }[] =>
  bodiesOf(receiver.accepted())
    .flatMap((body): unknown[] => [...Object(body).data.events])
    .map((event) => ({ action: String(Object(event).action), reason: Object(event).outcome_reason }))
    .filter(({ action }) => action.startsWith('docket.subscription.'));

const toldOperator = (): string[] => [
  ...new Set(bodiesOf(operator.accepted()).map((body) => String(Object(body).type))),
];

async function stored(tenantId = 'acme'): Promise<{ action: string; status: string }[]> {
  return world.clickhouse.query(
    `SELECT action, toString(status) AS status FROM audit_events WHERE tenant_id = '${tenantId}' AND startsWith(action, 'docket.') ORDER BY seq`,
  );
}

test('an outage, a suspension and the recovery are told in the log, to other subscriptions and to the operator, and never to the subscription itself', async () => {
  await untilAccepted(failing.receiver, await record(world, 'acme', 3));
  failing.receiver.answer({ kind: 'status', status: 503 });
  await record(world, 'acme', 3);
  await eventually(() => noticesAt(other).length === 1, { what: 'the notice of the outage' });
  expect(noticesAt(other)).toEqual([{ action: 'docket.subscription.failing', reason: 'status_503' }]);

  failing.receiver.answer({ kind: 'status', status: 410 });
  await eventually(() => noticesAt(other).length === 2, { what: 'the notice of the suspension' });
  failing.receiver.answer({ kind: 'ok' });
  await putSubscription(world, { ...failing.subscription, updated_at: new Date().toISOString() });
  await eventually(() => noticesAt(other).length === 3, { what: 'the notice of the recovery' });
  expect(noticesAt(other).map(({ action }) => action)).toEqual([
    'docket.subscription.failing',
    'docket.subscription.suspended',
    'docket.subscription.recovered',
  ]);

  // The operator is told the same, signed, also behind a first try that fails.
  await eventually(() => toldOperator().length === 3, { what: 'the operator is told' });
  expect(toldOperator().toSorted()).toEqual(
    noticesAt(other)
      .map(({ action }) => action)
      .toSorted(),
  );
  expect(operator.requests.every(({ signature }) => signature === 'valid')).toBe(true);

  // Signed by us, they are accepted; and what tells of a subscription is passed by it.
  const last = await record(world, 'acme', 1);
  await untilAccepted(failing.receiver, last);
  await eventually(async () => (await stored()).length === 3, { what: 'the notices are stored' });
  expect((await stored()).map(({ status }) => status)).toEqual(['accepted', 'accepted', 'accepted']);
  expect(noticesAt(failing)).toEqual([]);
  expect(JSON.stringify(bodiesOf(failing.receiver.accepted()))).toMatch(/"filtered":[1-3]/);
}, 120_000);

test('a notice that a crash has interrupted is told again by the next owner, as it was', async () => {
  const { receiver, subscription } = await subscribe(world, 'globex', { batch: { max_wait_ms: 0 } });
  try {
    await untilAccepted(receiver, await record(world, 'globex', 1));
    const aboutIt = (): string[] =>
      operator
        .accepted()
        .map(({ body }) => body.toString())
        .filter((text) => text.includes(subscription.id));
    operator.answer({ kind: 'status', status: 503 });
    receiver.answer({ kind: 'status', status: 503 });
    await record(world, 'globex', 1);
    await eventually(async () => (await stored('globex')).length === 1, { what: 'the notice is in the log' });
    expect(aboutIt()).toEqual([]);

    await delivery.kill('SIGKILL');
    operator.answer({ kind: 'ok' });
    delivery = await startDelivery(world, settings());
    processes.push(delivery);
    await eventually(() => aboutIt().length > 0, { what: 'the operator is told' });
    expect(aboutIt()[0]).toContain('docket.subscription.failing');
    await eventually(async () => (await stored('globex')).length === 2, { what: 'the log was told again' });
    const action = 'docket.subscription.failing';
    expect(await stored('globex')).toEqual([
      { action, status: 'accepted' },
      { action, status: 'duplicate' },
    ]);
  } finally {
    await receiver.close();
  }
}, 120_000);
