import { afterEach, expect, test } from '@jest/globals';
import { checkBatchChain, eventually, startReceiver } from '@docket/testkit';
import type { Receiver, ServiceProcess } from '@docket/testkit';

import { bodiesOf, record, untilAccepted } from './delivery-for-tests.ts';
import { createInstallation, token } from './installation-for-tests.ts';
import { ask } from './subscriber-for-tests.ts';

const site = createInstallation({ partitions: 2 });
const receivers: Receiver[] = [];

afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
});

async function startedAt(manager: ServiceProcess, start: unknown): Promise<Receiver> {
  const receiver = await startReceiver();
  receivers.push(receiver);
  const body = { tenant_id: 'acme', sink: { type: 'webhook', url: `${receiver.url}/in` }, start };
  expect(await ask(manager, token, 'POST', '/v1/subscriptions', body)).toMatchObject({ status: 201 });
  return receiver;
}

const accountOf = (receiver: Receiver) => checkBatchChain(bodiesOf(receiver.accepted()));

test('start now: nothing that was accepted before, though it is stored later, and everything from then on, after docket.subscription.created', async () => {
  const manager = await site.admin();
  await site.delivery();
  // Of another tenant on the same partition or another one, too: an offset is counted by the partition.
  await record(site.world, 'globex', 7);
  await record(site.world, 'acme', 10);
  const receiver = await startedAt(manager, 'now');
  const later = await record(site.world, 'acme', 5);
  // Only now is anything stored: what was before is found to be so by its place, not by how far ClickHouse is.
  await site.ingestor();
  await untilAccepted(receiver, later);
  const report = accountOf(receiver);
  expect(report).toMatchObject({ problems: [], range: { afterSeq: 0 } });
  expect(report.events.slice(1).map(({ id }) => id)).toEqual(later);
  const [first] = bodiesOf(receiver.accepted());
  expect(first).toMatchObject({
    data: {
      batch: { prev_to_seq: 0, skipped: { operator_skipped: 10 } },
      events: expect.arrayContaining([
        expect.objectContaining({ action: 'docket.subscription.created', seq: 11, prev_seq: 0 }),
      ]),
    },
  });
}, 120_000);

test('start from a time: what was received since then, stored or not yet; what is before is counted as left out', async () => {
  const manager = await site.admin();
  await site.delivery();
  await site.ingestor();
  const before = await record(site.world, 'acme', 4);
  const all = await startedAt(manager, 'beginning');
  await untilAccepted(all, before);
  const time = new Date(Date.now() + 1);
  await eventually(() => Date.now() > time.getTime(), { what: 'the next millisecond' });
  const since = await record(site.world, 'acme', 6);
  await untilAccepted(all, since);
  const receiver = await startedAt(manager, { time: time.toISOString() });
  await untilAccepted(receiver, since);
  const report = accountOf(receiver);
  expect(report).toMatchObject({ problems: [], range: { afterSeq: 0 } });
  expect(report.events.slice(0, 6).map(({ id }) => id)).toEqual(since);
  // Four, and the event that tells of the first subscription.
  expect(bodiesOf(receiver.accepted())[0]).toMatchObject({ data: { batch: { skipped: { operator_skipped: 5 } } } });
}, 120_000);
