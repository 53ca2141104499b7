import { describe, expect, test } from '@jest/globals';

import { noAnswers, withAnswer } from '../src/machine/breaker-policy.ts';
import { stepDelivery } from '../src/machine/delivery-machine.ts';
import { passedMax } from '../src/machine/delivery-state.ts';
import type { Input } from '../src/machine/delivery-state.ts';
import { noneSkipped } from '../src/batches/skipped-counts.ts';
import { encodingOf, tellsWithoutEvents } from '../src/sinks/sink-rules.ts';
import { wishOf } from '../src/subscription-wish-mapper.ts';
import { cursor, inputs, nowMs, short, stateIn } from './machine-for-tests.ts';
import { sampleSinks, subscriptionTo } from './sinks/sample-batches.ts';

const intervals = { proofIntervalMs: 5_000, suspendAfterMs: 1, noticeAfterMs: 1 };
const summary = {
  subscriptionId: 'sub_1',
  tenantId: 'acme',
  timestamp: '2026-01-01T00:00:00.000Z',
  prevToSeq: 1,
  toSeq: 1,
  skipped: noneSkipped,
  asOf: null,
  replay: null,
};
/** What the sink sends nothing for, with so much that was passed. */
const readBodiless = (filtered: number, isLast = false): Input => ({
  type: 'read',
  result: { ...inputs.readEmpty.result, bodyBytes: 0, skipped: { ...noneSkipped, filtered }, isLast },
  jitter: 0.5,
});

describe('a sink that sends nothing for a batch without events', () => {
  test.each(Object.entries(sampleSinks))('%s: a proof is planned only where there is a body for it', (_name, sink) => {
    const subscription = subscriptionTo(sink);
    const isSent = encodingOf(subscription).frame(0, summary) !== undefined;
    expect(tellsWithoutEvents(sink)).toBe(isSent);
    expect(wishOf(subscription, intervals).proofIntervalMs).toBe(isSent ? 5_000 : 0);
  });

  test('a proof that was planned before the sink became one is due no more', () => {
    const planned = stateIn('idle', { proofAtMs: nowMs });
    const changed = { ...inputs.changed, proofIntervalMs: 0 };
    const { state } = stepDelivery(planned, changed, nowMs);
    expect(stepDelivery(state, inputs.slot, nowMs).effects).toMatchObject([{ type: 'read', isProofDue: false }]);
  });

  test.each([
    ['the end of a replay', readBodiless(1, true), { ...noneSkipped, filtered: 1 }],
    ['what was passed below the limit', readBodiless(passedMax - 1), { ...noneSkipped, filtered: passedMax - 1 }],
    ['what was passed at the limit (I8)', readBodiless(passedMax), noneSkipped],
    ['what was passed above it', readBodiless(passedMax + 1), noneSkipped],
  ])('I6: %s moves the cursor, and is no acknowledgement', (_name, read, passed) => {
    const failing = {
      ...cursor,
      state: 'failing',
      failingSinceMs: nowMs - 1,
      lastError: 'status_500',
      toldAtMs: 4,
    } as const;
    const recent = withAnswer(noAnswers, false);
    const reading = stateIn('reading', { cursor: failing, recent, trying: { toSeq: 15, tries: 2 }, failures: 2 });
    const { state, effects } = stepDelivery({ ...reading, proofIntervalMs: 0 }, read, nowMs);
    expect(`${state.phase.name}: ${short(effects)}`).toBe('idle: release save');
    expect(state.cursor).toEqual({ ...failing, seq: 15, offset: 90, passed });
    expect(state).toMatchObject({ trying: null, recent, failures: 2 });
  });
});
