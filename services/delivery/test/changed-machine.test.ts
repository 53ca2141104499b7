import { describe, expect, test } from '@jest/globals';

import { stepDelivery } from '../src/machine/delivery-machine.ts';
import type { DeliveryState } from '../src/machine/delivery-state.ts';
import { cursor, inputs, nowMs, parked, place, short, stateIn, wish } from './machine-for-tests.ts';

const isNotDelivered = ['retry', 'misconfigured', 'gone', 'split', 'rejectEvent', 'rejectAll'] as const;

describe('an answer to what was sent before the subscription was changed', () => {
  test.each(isNotDelivered)('%s says nothing about it as it is now: the next batch is made at once', (name) => {
    const failing = { ...cursor, state: 'failing', failingSinceMs: nowMs - wish.suspendAfterMs } as const;
    const sending = stateIn('sending', { cursor: failing, failures: 9, trying: { toSeq: 15, tries: 9 } });
    const changed = stepDelivery(sending, inputs.changed, nowMs).state;
    const { state, effects } = stepDelivery(changed, { ...inputs[name], retryAfterMs: 3_600_000 }, nowMs);
    expect(`${state.phase.name}: ${short(effects)}`).toBe('queued: release ask');
    expect(state).toEqual({ ...changed, phase: { name: 'queued' } });
  });

  test.each(isNotDelivered)('%s, of the second of a window: the first counts', (name) => {
    const second = { ...place, toSeq: 20 };
    const sending = stateIn('sending', { phase: { ...sendingOf(stateIn('sending')), following: [second] } });
    const changed = stepDelivery(sending, { ...inputs.changed, windowMax: 4 }, nowMs).state;
    const { state } = stepDelivery(changed, { ...inputs[name], acknowledged: 1 }, nowMs);
    expect(state).toMatchObject({ phase: { name: 'queued' }, trying: null, failures: 0 });
    expect(state.cursor).toMatchObject({ seq: 15, state: 'active', failingSinceMs: null });
  });

  test.each(isNotDelivered)('%s of a parked event: it is asked for as before', (name) => {
    const changed = stepDelivery(stateIn('sendingParked'), inputs.changed, nowMs).state;
    const { state, effects } = stepDelivery(changed, inputs[name], nowMs);
    expect(`${state.phase.name}: ${short(effects)}`).toBe('queued: release ask');
    expect(state).toMatchObject({ parked: [parked], replay: changed.replay });
  });

  test.each(isNotDelivered)('%s, when it was paused: nothing is kept of it', (name) => {
    const paused = stepDelivery(stateIn('sending'), inputs.paused, nowMs).state;
    const { state, effects } = stepDelivery(paused, inputs[name], nowMs);
    expect(`${state.phase.name}: ${short(effects)}`).toBe('idle: release');
    expect(state.cursor).toEqual(cursor);
  });
});

test('the first failure behind a change is the first of its kind: the delays begin anew', () => {
  const changed = stepDelivery(stateIn('resting', { failures: 9 }), inputs.changed, nowMs).state;
  expect(changed.failures).toBe(0);
  const readAgain = stepDelivery(stateIn('resting', { failures: 9 }), { type: 'changed', ...wish, lingerMs: 1 }, nowMs);
  expect(readAgain.state.failures).toBe(9);
});

function sendingOf({ phase }: DeliveryState) {
  if (phase.name !== 'sending') throw new Error('it does not send');
  return phase;
}
