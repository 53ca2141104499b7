import { expect, test } from '@jest/globals';
import type { Subscription } from '@docket/directory';
import { partitionOf } from '@docket/event';
import { createPublisher } from '@docket/kafka';
import { eventually } from '@docket/testkit';
import type { World } from '@docket/testkit';

import { cursorBytes, firstCursor } from '../src/cursors/cursor-mapper.ts';
import { bodiesOf, idsIn, record, untilAccepted } from './delivery-for-tests.ts';
import { createInstallation } from './installation-for-tests.ts';
import { ask, putKey } from './subscriber-for-tests.ts';

const partitions = 2;
const site = createInstallation({ partitions });

async function putCursor({ kafka }: World, { id, tenant_id: tenantId }: Subscription, value: Buffer): Promise<void> {
  const publisher = createPublisher(kafka);
  const partition = partitionOf(tenantId, partitions);
  const [outcome] = await publisher.publish(kafka.topics.cursors.name, [{ key: id, value, partition }]);
  await publisher.stop();
  expect(outcome).toMatchObject({ ok: true });
}

test('I6: a cursor of a later version is left as it is and its subscription waits, loudly; as soon as one can be read that is as far, it goes on from there', async () => {
  const { world } = site;
  const key = await putKey(world, ['subscriptions:write'], ['acme']);
  const [waiting, other] = [await site.subscriber('acme'), await site.subscriber('acme')];
  const { subscription } = waiting;
  const seq = 4;
  await putCursor(world, subscription, Buffer.from(JSON.stringify({ version: 2, reset: 0, seq })));
  await site.ingestor();
  const delivery = await site.delivery();
  const ids = await record(world, 'acme', 10);
  await untilAccepted(other.receiver, ids);
  const metrics = async () => (await fetch(`${delivery.url}/metrics`)).text();
  await eventually(async () => (await metrics()).includes('docket_delivery_unreadable_cursors 1'), {
    what: 'the metric that says so',
  });
  const status = await ask(delivery, key, 'GET', `/v1/subscriptions/${subscription.id}/status`);
  expect(status.body).toMatchObject({ state: 'failing', last_error: 'cursor_unreadable', seq });
  expect(waiting.receiver.requests).toEqual([]);

  await putCursor(world, subscription, cursorBytes({ ...firstCursor(0, 1), offset: null, seq }));
  await untilAccepted(waiting.receiver, ids);
  expect(bodiesOf(waiting.receiver.accepted()).flatMap(idsIn)).toEqual(ids.slice(seq));
  await eventually(async () => (await metrics()).includes('docket_delivery_unreadable_cursors 0'), {
    what: 'that it is over',
  });
}, 120_000);
