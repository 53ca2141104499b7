import { expect, test } from '@jest/globals';
import { partitionOf } from '@docket/event';
import { deleteRecords, eventually, runDocket } from '@docket/testkit';

import { bodiesOf, record, untilAccepted } from './delivery-for-tests.ts';
import { createInstallation } from './installation-for-tests.ts';
import { ask, putKey } from './subscriber-for-tests.ts';

const partitions = 1;
const site = createInstallation({ partitions });

test('I6: delivery that was ahead of what was lost: after accept-loss every new event is sent, with the number that the log has for it, and it is said loudly', async () => {
  const { world } = site;
  const key = await putKey(world, ['subscriptions:write'], ['acme']);
  const { receiver, subscription } = await site.subscriber('acme');
  const ingestor = await site.ingestor();
  const first = await site.delivery();
  const ids = await record(world, 'acme', 5);
  await untilAccepted(receiver, ids);
  const storedSeqs = async (): Promise<number> => {
    const [row] = await world.clickhouse.query<{ seq: number }>('SELECT max(seq) AS seq FROM audit_events');
    return row?.seq ?? 0;
  };
  await eventually(async () => (await storedSeqs()) === 5, { what: 'five rows' });

  // Nothing is stored any more, delivery goes on, and retention takes four of the records.
  await ingestor.stop();
  ids.push(...(await record(world, 'acme', 7)));
  await untilAccepted(receiver, ids);
  await deleteRecords(world, partitionOf('acme', partitions), 9);
  expect((await runDocket(['accept-loss', '--yes'], world.env)).code).toBe(0);
  await site.ingestor();
  // Five, the loss, and the three that Kafka still had.
  await eventually(async () => (await storedSeqs()) === 9, { what: 'the rest', deadlineMs: 60_000 });

  await first.stop();
  const second = await site.delivery();
  const told = () => second.logs.some((line) => line.includes('cursor.renumbered'));
  await eventually(told, { what: 'the line that says so' });
  const fresh = await record(world, 'acme', 6);
  await untilAccepted(receiver, fresh);
  const events = bodiesOf(receiver.accepted()).flatMap(
    (body) => (body as { data: { events: { id: string; seq: number }[] } }).data.events,
  );
  const seqsOf = (wanted: readonly string[]) => wanted.map((id) => events.findLast((event) => event.id === id)?.seq);
  expect(seqsOf(ids.slice(0, 5))).toEqual([1, 2, 3, 4, 5]);
  expect(seqsOf(fresh)).toEqual([10, 11, 12, 13, 14, 15]);
  for (const id of ids) expect(events.some((event) => event.id === id)).toBe(true);

  expect(await (await fetch(`${second.url}/metrics`)).text()).toContain('docket_delivery_cursors_renumbered_total 1');
  const path = `/v1/subscriptions/${subscription.id}/status`;
  const status = async () => (await ask(second, key, 'GET', path)).body;
  await eventually(async () => (await status())['seq'] === 15, { what: 'the cursor' });
  expect(await status()).toMatchObject({
    state: 'active',
    moved_back: { from_seq: 12, to_seq: 9, at: expect.stringMatching(/^20/) },
  });
}, 180_000);
