import { describe, expect, test } from '@jest/globals';

import { initialState } from '../src/machine/delivery-state.ts';
import type { DeliveryState, Input } from '../src/machine/delivery-state.ts';
import { stepDelivery } from '../src/machine/delivery-machine.ts';
import { noneSkipped } from '../src/batches/skipped-counts.ts';
import { cursor, inputs, nowMs, place, short, stateIn, wish } from './machine-for-tests.ts';

const resume = { id: 'res_1', receivedFromMs: 500, place: null };
const located = (seq: number): Input => ({ type: 'read', result: { kind: 'located', seq }, jitter: 0.5 });

/** Resumed by its owner, and the place was found. */
function resumed(state: DeliveryState, seq: number): DeliveryState {
  const changed = stepDelivery(state, { type: 'changed', ...wish, version: 'v2', resume }, nowMs);
  const asked = stepDelivery(changed.state, inputs.slot, nowMs);
  expect(asked.effects).toEqual([{ type: 'locate', resume }]);
  const moved = stepDelivery(asked.state, located(seq), nowMs);
  expect(short(moved.effects)).toBe('release save ask');
  return moved.state;
}

describe('suspension', () => {
  const failingFor = (ms: number): DeliveryState =>
    stateIn('sending', { cursor: { ...cursor, state: 'failing', failingSinceMs: nowMs - ms } });

  test.each([
    ['below the limit', wish.suspendAfterMs - 1, 'resting'],
    ['at it', wish.suspendAfterMs, 'suspended'],
    ['above', wish.suspendAfterMs + 1, 'suspended'],
  ])('I6: after a failure without a break %s: the cursor is kept, and nothing is skipped', (_name, ms, phase) => {
    for (const input of [inputs.retry, inputs.misconfigured]) {
      const { state } = stepDelivery(failingFor(ms), input, nowMs);
      expect(state.phase.name).toBe(phase);
      expect(state.cursor).toMatchObject({ seq: 10, failingSinceMs: nowMs - ms, lastError: input.error });
    }
  });

  test('a success begins the count anew', () => {
    const { state } = stepDelivery(failingFor(wish.suspendAfterMs - 1), inputs.delivered, nowMs);
    expect(state.cursor).toMatchObject({ state: 'active', failingSinceMs: null });
  });

  test.each(['resting', 'idle', 'queued', 'lingering', 'sending'] as const)(
    'what failed while the subscription was paused or was another does not count: %s',
    (phase) => {
      const failing = { ...cursor, state: 'failing', failingSinceMs: nowMs } as const;
      const paused = stepDelivery(stateIn(phase, { cursor: failing }), inputs.paused, nowMs);
      expect(paused.state.cursor).toMatchObject({ state: 'failing', failingSinceMs: null });
      expect(short(paused.effects)).toContain('save');
      const laterMs = nowMs + wish.suspendAfterMs + 1;
      let { state } = stepDelivery(paused.state, { type: 'changed', ...wish, version: 'v3' }, laterMs);
      // The first is about what was sent before, if anything was.
      for (const input of [inputs.retry, inputs.slot, inputs.readBatch, inputs.retry])
        ({ state } = stepDelivery(state, input, laterMs));
      expect(state).toMatchObject({ phase: { name: 'resting' }, cursor: { failingSinceMs: laterMs } });
    },
  );

  test('holds over a restart, and until the owner changes or resumes the subscription', () => {
    const { state } = stepDelivery(failingFor(wish.suspendAfterMs), inputs.retry, nowMs);
    expect(initialState(state.cursor, wish).phase.name).toBe('suspended');
    const changed = stepDelivery(state, { type: 'changed', ...wish, version: 'v2' }, nowMs);
    expect(changed.state).toMatchObject({ phase: { name: 'queued' }, cursor: { seq: 10, state: 'active' } });
  });
});

describe('resume', () => {
  test('ahead: what is left out is passed as skipped by the owner, and the next batch accounts for it', () => {
    const passed = { ...noneSkipped, filtered: 2, operator_skipped: 1 };
    const state = resumed(stateIn('suspended', { cursor: { ...cursor, passed } }), 25);
    expect(state.cursor).toMatchObject({
      reset: 1,
      seq: 25,
      offset: null,
      resumeId: 'res_1',
      state: 'active',
      passed: { ...passed, operator_skipped: 16 },
    });
  });

  test('back: the range begins where the receiver was told to, with nothing passed', () => {
    const state = resumed(stateIn('idle', { cursor: { ...cursor, eventSeq: 9 } }), 4);
    expect(state.cursor).toMatchObject({ reset: 1, seq: 4, offset: null, passed: noneSkipped });
  });

  test('back: names the event before only where it was one that was sent', () => {
    const eventSeqAt = (toSeq: number): number =>
      resumed(stateIn('idle', { cursor: { ...cursor, eventSeq: 7 } }), toSeq).cursor.eventSeq;
    expect([9, 7, 6, 0].map(eventSeqAt)).toEqual([7, 7, 0, 0]);
  });

  test('into what was passed without a batch: back to what was told', () => {
    const passed = { ...noneSkipped, filtered: 4 };
    const state = resumed(stateIn('idle', { cursor: { ...cursor, passed } }), 8);
    expect(state.cursor).toMatchObject({ seq: 6, passed: noneSkipped });
  });

  test('at the cursor: nothing moves but the count of moves', () => {
    expect(resumed(stateIn('idle'), 10).cursor).toEqual({ ...cursor, reset: 1, resumeId: 'res_1' });
  });

  test('is carried out once, also over a restart', () => {
    const { cursor: after } = resumed(stateIn('idle'), 25);
    const again = initialState(after, { ...wish, version: 'v2', resume });
    const began = stepDelivery(again, inputs.began, nowMs);
    expect(short(stepDelivery(began.state, inputs.slot, nowMs).effects)).toBe('read');
  });

  test('while a request is under way: its acknowledgement counts, then the cursor moves', () => {
    const changed = stepDelivery(stateIn('sending'), { type: 'changed', ...wish, version: 'v2', resume }, nowMs);
    const delivered = stepDelivery(changed.state, inputs.delivered, nowMs);
    expect(delivered.state.cursor.seq).toBe(place.toSeq);
    const due = stepDelivery(delivered.state, inputs.due, nowMs + wish.lingerMs);
    expect(short(stepDelivery(due.state, inputs.slot, nowMs + wish.lingerMs).effects)).toBe('locate');
  });

  test.each([
    ['another order', { ...resume, id: 'res_2', receivedFromMs: 900 }],
    ['none any more', null],
  ])('%s that comes while a place is looked for: that place is not taken for its own', (_name, newest) => {
    const changed = stepDelivery(stateIn('idle'), { type: 'changed', ...wish, version: 'v2', resume }, nowMs);
    const asked = stepDelivery(changed.state, inputs.slot, nowMs);
    const again = stepDelivery(asked.state, { type: 'changed', ...wish, version: 'v3', resume: newest }, nowMs);
    const answered = stepDelivery(again.state, located(25), nowMs);
    expect(short(answered.effects)).toBe('release ask');
    expect(answered.state.cursor).toEqual(cursor);
    const next = stepDelivery(answered.state, inputs.slot, nowMs);
    if (newest === null) return expect(short(next.effects)).toBe('read');
    expect(next.effects).toEqual([{ type: 'locate', resume: newest }]);
    expect(stepDelivery(next.state, located(30), nowMs).state.cursor).toMatchObject({ seq: 30, resumeId: 'res_2' });
  });

  test.each([
    ['with ClickHouse away', inputs.readFailed],
    ['while ClickHouse has not stored what was accepted until the order', inputs.readBehind],
  ])('%s it is tried again, and nothing is sent meanwhile', (_name, answer) => {
    const changed = stepDelivery(stateIn('idle'), { type: 'changed', ...wish, version: 'v2', resume }, nowMs);
    const asked = stepDelivery(changed.state, inputs.slot, nowMs);
    const rested = stepDelivery(asked.state, answer, nowMs);
    expect(rested.state.phase.name).toBe('resting');
    const due = stepDelivery(rested.state, inputs.due, nowMs + 60_000);
    expect(short(stepDelivery(due.state, inputs.slot, nowMs + 60_000).effects)).toBe('locate');
  });
});
