import { afterEach, expect, jest, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createTailBuffer } from '../src/log/tail-buffer.ts';
import { createDeliveryMetrics } from '../src/metrics.ts';
import { slotLimitsOf } from '../src/slots/slot-limits-policy.ts';
import { createSlots } from '../src/slots/slot-policy.ts';
import { createSubscriptionTable } from '../src/subscription-table.ts';
import { noCursors } from './cursors-for-tests.ts';
import { generation, logger, partition, subscriptionOf } from './log-for-tests.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

const unasked = (): Promise<never> => Promise.reject(new Error('nothing of the test asks for that'));

test('I7: what is due in months is no timer that fires at once: Node takes no longer delay than 2^31 - 1 ms', async () => {
  const timers = jest.spyOn(globalThis, 'setTimeout');
  const table = createSubscriptionTable({
    topology: { generation, partitions: 1 },
    tails: new Map([[partition, createTailBuffer({ partition, partitions: 1, fromOffset: 0, bytesMax: 1_000 })]]),
    source: {
      read: async () => ({ source: 'tail', result: { kind: 'nothing', offset: null } }),
      locate: unasked,
      readParked: unasked,
    },
    sender: { send: unasked },
    cursors: noCursors,
    slots: createSlots(slotLimitsOf(8)),
    onSlotFree: () => undefined,
    proofIntervalMs: 100 * 86_400_000,
    suspendAfterMs: 1_000_000,
    noticeAfterMs: 1_000_000,
    notices: { tell: () => undefined, stop: async () => undefined },
    logger,
    metrics: createDeliveryMetrics(new Registry()),
  });
  table.set('sub_1', subscriptionOf(10));
  table.takeSlots();
  await table.settled();
  expect(table.countByPhase()).toEqual(new Map([['idle', 1]]));
  expect(timers.mock.calls.map(([, delayMs]) => delayMs)).toEqual([2 ** 31 - 1]);
  table.stop();
});
