import { describe, expect, test } from '@jest/globals';

import { stepDelivery } from '../src/machine/delivery-machine.ts';
import type { BatchPlace, DeliveryState, Input } from '../src/machine/delivery-state.ts';
import type { Sent } from '../src/receivers/send-batch.ts';
import { windowAnswer } from '../src/batches/window-mapper.ts';
import { inputs, nowMs, parked, place, short, stateIn } from './machine-for-tests.ts';

const second: BatchPlace = { ...place, toSeq: 25, eventSeq: 24, eventSeqs: [21, 22, 23, 24], offset: 91 };
const third: BatchPlace = {
  ...place,
  toSeq: 35,
  eventSeq: 34,
  eventSeqs: [31, 32, 33, 34],
  offset: 92,
  mayHaveMore: true,
};

/** Three batches are under way, in a window of so many. */
function window(changes: Partial<DeliveryState> = {}): DeliveryState {
  const phase = {
    name: 'sending',
    batch: place,
    following: [second, third],
    aside: null,
    version: 'v1',
    leftOut: [],
  } as const;
  return stateIn('sending', { phase, windowMax: 4, window: 3, ...changes });
}

const answer = (input: Extract<Input, { type: 'answered' }>, acknowledged: number): Input => ({
  ...input,
  acknowledged,
});

describe('a window of batches', () => {
  test('is asked for as wide as it is now, and one batch while one is tried again or something is looked for', () => {
    const asks = (changes: Partial<DeliveryState>) =>
      stepDelivery(stateIn('queued', { windowMax: 4, window: 3, ...changes }), inputs.slot, nowMs).effects[0];
    expect(asks({})).toMatchObject({ type: 'read', batchesMax: 3 });
    const narrow = stepDelivery(
      stateIn('queued', { windowMax: 4, window: 3 }),
      { ...inputs.slot, isNarrow: true },
      nowMs,
    );
    expect(narrow.effects[0]).toMatchObject({ type: 'read', batchesMax: 1 });
    expect(asks({ trying: { toSeq: 15, tries: 1 } })).toMatchObject({ toSeq: 15, batchesMax: 1 });
    const refusals = { suspect: { toSeq: 15, count: 4 }, refused: [], hasTaken: false };
    expect(asks({ refusals })).toMatchObject({ batchesMax: 1 });
  });

  test('is sent as it was read, and tried again by its first', () => {
    const result = { kind: 'batch', ...place, following: [second, third] } as const;
    const { state, effects } = stepDelivery(stateIn('reading'), { type: 'read', result, jitter: 0.5 }, nowMs);
    expect(state).toMatchObject({
      phase: { batch: place, following: [second, third] },
      trying: { toSeq: 15, tries: 1 },
    });
    expect(effects).toEqual([{ type: 'send', tryNumber: 1 }]);
  });

  test('that is taken as a whole moves the cursor to its end, and the next is wider', () => {
    const { state, effects } = stepDelivery(window(), answer(inputs.delivered, 2), nowMs);
    expect(state).toMatchObject({ cursor: { seq: 35, eventSeq: 34, offset: 92 }, trying: null, window: 4 });
    expect(short(effects)).toBe('save release save ask');
  });

  test('moves the cursor over what was taken in front of the first that was not, which is tried again', () => {
    const { state, effects } = stepDelivery(window(), answer(inputs.retry, 1), nowMs);
    expect(state).toMatchObject({
      cursor: { seq: 15, eventSeq: 14, offset: 90, state: 'failing', failingSinceMs: nowMs },
      phase: { name: 'resting' },
      trying: { toSeq: 25, tries: 1 },
      window: 1,
    });
    expect(short(effects)).toBe('save release save wake');
  });

  test('of which the first was not taken leaves the cursor where it is, whatever became of the others', () => {
    const { state } = stepDelivery(window(), answer(inputs.retry, 0), nowMs);
    expect(state).toMatchObject({ cursor: { seq: 10 }, trying: { toSeq: 15, tries: 1 } });
  });

  test('ends an outage with the first that is taken, and begins another with the first that is not', () => {
    const failing = window({ failures: 7 });
    const before = { ...failing, cursor: { ...failing.cursor, state: 'failing', failingSinceMs: 5 } as const };
    const { state } = stepDelivery(before, answer(inputs.retry, 1), nowMs);
    expect(state).toMatchObject({ failures: 1, cursor: { failingSinceMs: nowMs } });
  });

  test('looks for refused events and smaller bodies in the first that was refused', () => {
    const refused = stepDelivery(window(), answer(inputs.rejectAll, 1), nowMs).state;
    expect(refused).toMatchObject({ cursor: { seq: 15 }, refusals: { suspect: { toSeq: 25, count: 4 } } });
    const split = stepDelivery(window(), answer(inputs.split, 2), nowMs).state;
    expect(split).toMatchObject({ cursor: { seq: 25 }, bytesLearned: 2_000, trying: null });
    const gone = stepDelivery(window(), answer(inputs.gone, 2), nowMs).state;
    expect(gone).toMatchObject({ cursor: { seq: 25, state: 'suspended' } });
  });

  test('forgets what was parked and is taken, in whichever of its batches', () => {
    const { state, effects } = stepDelivery(
      window({ parked: [{ ...parked, seq: 22 }] }),
      answer(inputs.delivered, 2),
      nowMs,
    );
    expect(state.parked).toEqual([]);
    expect(effects).toContainEqual({ type: 'forget_parked', seq: 22 });
  });

  test('is narrowed when its owner wants it', () => {
    const { state } = stepDelivery(window(), { ...inputs.changed, windowMax: 1 }, nowMs);
    expect(state).toMatchObject({ windowMax: 1, window: 1 });
  });
});

test('the third time-out in a row of one batch halves it: what is too much is not sent for ever', () => {
  const timedOut = { ...inputs.retry, error: 'timeout' };
  const after = (tries: number) =>
    stepDelivery(stateIn('sending', { trying: { toSeq: 15, tries } }), timedOut, nowMs).state;
  expect(after(2)).toMatchObject({ trying: { toSeq: 15, tries: 2 }, bytesLearned: null });
  expect(after(3)).toMatchObject({ trying: null, bytesLearned: 2_000, phase: { name: 'resting' } });
});

describe('the answer of a window', () => {
  const sent = (kind: 'delivered' | 'retry', error = ''): Sent => ({
    outcome: { kind },
    status: 0,
    error,
    excerpt: '',
    retryAfterMs: null,
  });

  test('is that of the first that was not taken, or of the last', () => {
    const [taken, first, later] = [sent('delivered'), sent('retry', 'first'), sent('retry', 'later')];
    expect(windowAnswer([taken])).toEqual({ acknowledged: 0, sent: taken });
    expect(windowAnswer([taken, taken])).toEqual({ acknowledged: 1, sent: taken });
    expect(windowAnswer([taken, first, taken, later])).toEqual({ acknowledged: 1, sent: first });
    expect(windowAnswer([first, taken])).toEqual({ acknowledged: 0, sent: first });
    expect(() => windowAnswer([])).toThrow('no batches');
  });
});
