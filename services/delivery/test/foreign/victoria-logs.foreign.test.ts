import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createWorld, eventually } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';

import { record, startDelivery, subscribe } from '../delivery-for-tests.ts';
import { buildVictoriaLogs, startVictoriaLogs } from './victoria-logs.ts';
import type { VictoriaLogs } from './victoria-logs.ts';

const events = 5_000;
const countedDeadlineMs = 60_000;

let logs: VictoriaLogs;
let world: World;
let delivery: ServiceProcess;
const closing: (() => Promise<void>)[] = [];

// The first time it is built, for some minutes.
beforeAll(async () => {
  await buildVictoriaLogs();
  [world, logs] = await Promise.all([createWorld({ partitions: 4 }), startVictoriaLogs()]);
  delivery = await startDelivery(world);
}, 900_000);

afterAll(async () => {
  await delivery.stop();
  for (const close of closing) await close();
  await logs.stop();
  await world.close();
}, 60_000);

test('Splunk’s protocol: VictoriaLogs, asked by its own API, has every event once, and finds no gap in seq and prev_seq', async () => {
  const tenantId = 'acme';
  const { receiver } = await subscribe(world, tenantId, {
    batch: { max_events: 100, max_wait_ms: 50 },
    sink: { token: 'a-token', at: (_url, secrets) => ({ type: 'splunk_hec', url: logs.url, secrets }) },
  });
  closing.push(() => receiver.close());
  const ids = await record(world, tenantId, events);
  const stats =
    'count() rows, count_uniq(event.id) ids, min(event.seq) first, max(event.seq) last, count_uniq(event.prev_seq) previous';
  const rows = await eventually(
    async () => {
      const found = await logs.query(`"event.tenant_id":="${tenantId}" | stats ${stats}`);
      return found[0]?.['rows'] === String(events) ? found : undefined;
    },
    { what: `${events} rows in VictoriaLogs`, deadlineMs: countedDeadlineMs },
  );
  const count = String(events);
  expect(rows).toEqual([{ rows: count, ids: count, first: '1', last: count, previous: count }]);
  const last = await logs.query(`"event.id":="${ids.at(-1)}" | fields event.seq, event.action, event.actor.id`);
  expect(last).toEqual([{ 'event.seq': count, 'event.action': 'document.read', 'event.actor.id': 'u_1' }]);
}, 120_000);
