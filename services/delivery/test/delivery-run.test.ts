import { afterAll, expect, test } from '@jest/globals';
import { createDirectoryState } from '@docket/directory';
import type { DirectoryState, Subscription } from '@docket/directory';
import { Registry } from 'prom-client';

import { createDeliveryRun } from '../src/delivery-run.ts';
import type { DeliveryRun } from '../src/delivery-run.ts';
import { createDeliveryMetrics } from '../src/metrics.ts';
import { encodingOf } from '../src/sinks/sink-rules.ts';
import { slotLimitsOf } from '../src/slots/slot-limits-policy.ts';
import { createSlots } from '../src/slots/slot-policy.ts';
import { hangingClickHouse } from './clickhouse-for-tests.ts';
import { noCursors } from './cursors-for-tests.ts';
import { decoders, generation, logger, mac, partition, subscriptionOf } from './log-for-tests.ts';

const runs: DeliveryRun[] = [];
afterAll(() => {
  for (const run of runs) run.end();
});

/** Of one partition, which has nothing; slots are given to nobody. */
function runOf(directory: DirectoryState, clickhouse: ReturnType<typeof hangingClickHouse>['clickhouse']): DeliveryRun {
  return createDeliveryRun(
    {
      readRanges: async () => [{ partition, earliest: 0, end: 0 }],
      consumer: { resumeAt: () => true, commit: () => undefined },
      clickhouse,
      directory: { ...directory, waitUntilCaughtUp: async () => undefined, refresh: async () => undefined },
      cursors: noCursors,
      decoders,
      mac,
      sender: { send: () => Promise.reject(new Error('nothing is sent')) },
      slots: createSlots(slotLimitsOf(8)),
      onSlotFree: () => undefined,
      topology: { generation, partitions: 1 },
      tailBytesMax: 1_000_000,
      proofIntervalMs: 0,
      suspendAfterMs: 1_000_000,
      noticeAfterMs: 1_000_000,
      notices: { tell: () => undefined, stop: async () => undefined },
      encodingOf,
      readEnds: async () => undefined,
      logger,
      metrics: createDeliveryMetrics(new Registry()),
    },
    { id: 'assignment_1', partitions: [partition] },
  );
}

test('I6: what is created, changed or removed while a run prepares is as it is by then when it begins to deliver', async () => {
  const directory = createDirectoryState();
  const { clickhouse, asked, release } = hangingClickHouse();
  const run = runOf(directory, clickhouse);
  runs.push(run);
  const put = (changes: Partial<Subscription>): void => {
    const entity = { ...subscriptionOf(10), ...changes };
    directory.apply({ type: 'put', entity });
    run.onSubscription(entity.id);
  };
  put({ id: 'sub_kept' });
  put({ id: 'sub_paused' });
  put({ id: 'sub_removed' });
  const begun = run.begin();
  await asked;
  put({ id: 'sub_created' });
  put({ id: 'sub_paused', state: 'paused', updated_at: '2026-01-02T00:00:00Z' });
  directory.apply({ type: 'removed', kind: 'subscription', id: 'sub_removed' });
  run.onSubscription('sub_removed');
  expect(run.stats().byPhase).toEqual(new Map());
  release();
  await begun;
  expect(run.stats().byPhase).toEqual(
    new Map([
      ['queued', 2],
      ['paused', 1],
    ]),
  );
});
