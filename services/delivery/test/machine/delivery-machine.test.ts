import { describe, expect, test } from '@jest/globals';
import { comparePlaces } from '@docket/directory';
import fc from 'fast-check';

import { stepDelivery } from '../../src/machine/delivery-machine.ts';
import { initialState, passedMax } from '../../src/machine/delivery-state.ts';
import { behindLimits } from '../../src/machine/retry-policy.ts';
import { noneSkipped } from '../../src/batches/skipped-counts.ts';
import { cursor, inputs, isInputName, nowMs, parked, place, short, stateIn, wish } from '../machine-for-tests.ts';

describe('the details', () => {
  test('an acknowledgement moves the cursor, its cut and the chain of events', () => {
    const { state } = stepDelivery(stateIn('sending'), inputs.delivered, nowMs);
    expect(state.cursor).toMatchObject({
      seq: 15,
      eventSeq: 14,
      offset: 90,
      state: 'active',
      failingSinceMs: null,
      lastError: '',
    });
    expect(state).toMatchObject({ trying: null, failures: 0 });
  });

  test('a cut belongs to its seq: a batch that does not know its place leaves none behind', () => {
    const sending = stateIn('sending', {
      phase: {
        name: 'sending',
        following: [],
        batch: { ...place, offset: null },
        aside: null,
        version: 'v1',
        leftOut: [],
      },
    });
    expect(stepDelivery(sending, inputs.delivered, nowMs).state.cursor.offset).toBeNull();
  });

  test('the cut of a silent log moves on, and never back', () => {
    expect(stepDelivery(stateIn('reading'), inputs.readNothing, nowMs).state.cursor).toEqual({ ...cursor, offset: 70 });
    const farther = stateIn('reading', { cursor: { ...cursor, offset: 80 } });
    expect(stepDelivery(farther, inputs.readNothing, nowMs)).toMatchObject({
      state: { cursor: { offset: 80 } },
      effects: [{ type: 'release' }, { type: 'wake' }],
    });
  });

  test('a batch that a limit ended is followed by the next at once; one after which records came lingers', () => {
    const full = stateIn('sending', {
      phase: {
        name: 'sending',
        following: [],
        batch: { ...place, mayHaveMore: true },
        aside: null,
        version: 'v1',
        leftOut: [],
      },
    });
    expect(short(stepDelivery(full, inputs.delivered, nowMs).effects)).toBe('release save ask');
    const grown = stepDelivery(stateIn('sending', { hasGrown: true }), inputs.delivered, nowMs);
    expect(grown.state.phase).toEqual({ name: 'lingering', untilMs: nowMs + 200 });
    const nothing = stepDelivery(stateIn('reading', { hasGrown: true }), inputs.readNothing, nowMs);
    expect(nothing.state.phase.name).toBe('lingering');
  });

  test('a failed batch is tried again with the same range, and the tries are counted', () => {
    let { state } = stepDelivery(stateIn('sending'), inputs.retry, nowMs);
    expect(state).toMatchObject({
      failures: 1,
      trying: { toSeq: 15, tries: 1 },
      cursor: { state: 'failing', failingSinceMs: nowMs },
    });
    ({ state } = stepDelivery(state, inputs.due, nowMs + 50_000));
    const { state: reading, effects } = stepDelivery(state, inputs.slot, nowMs + 50_000);
    expect(effects).toEqual([
      {
        type: 'read',
        toSeq: 15,
        bytesMax: 100_000,
        eventsMax: null,
        batchesMax: 1,
        without: [],
        isProbe: false,
        isProofDue: false,
      },
    ]);
    const sent = stepDelivery(reading, inputs.readBatch, nowMs + 50_000);
    expect(sent.effects).toEqual([{ type: 'send', tryNumber: 2 }]);
    const failed = stepDelivery(sent.state, inputs.retry, nowMs + 50_000);
    expect(failed.state.cursor.failingSinceMs).toBe(nowMs);
    // Nothing about the outage is new, so nothing is written.
    expect(short(failed.effects)).toBe('release wake');
  });

  test('I6: records that came while a batch waited for its next try are sent after it, without waiting for more to come', () => {
    let { state } = stepDelivery(stateIn('sending'), inputs.retry, nowMs);
    ({ state } = stepDelivery(state, inputs.grew, nowMs + 1));
    ({ state } = stepDelivery(state, inputs.due, nowMs + 60_000));
    ({ state } = stepDelivery(state, inputs.slot, nowMs + 60_000));
    ({ state } = stepDelivery(state, inputs.readBatch, nowMs + 60_000));
    const delivered = stepDelivery(state, inputs.delivered, nowMs + 60_000);
    expect(delivered.state).toMatchObject({ phase: { name: 'queued' }, trying: null, cursor: { seq: 15 } });
    expect(short(delivered.effects)).toBe('release save ask');
  });

  test('a body that is too large is sent in halves at once; the size that worked is remembered and grows again with full batches', () => {
    const full = { ...place, mayHaveMore: true };
    let { state } = stepDelivery(
      stateIn('sending', {
        phase: { name: 'sending', following: [], batch: full, aside: null, version: 'v1', leftOut: [] },
      }),
      inputs.split,
      nowMs,
    );
    expect(state).toMatchObject({
      trying: null,
      failures: 0,
      bytesLearned: 2_000,
      cursor: { seq: 10, state: 'active' },
    });
    const { effects } = stepDelivery(state, inputs.slot, nowMs);
    expect(effects).toEqual([
      {
        type: 'read',
        toSeq: null,
        bytesMax: 2_000,
        eventsMax: null,
        batchesMax: 1,
        without: [],
        isProbe: false,
        isProofDue: false,
      },
    ]);
    ({ state } = stepDelivery(
      { ...state, phase: { name: 'sending', following: [], batch: full, aside: null, version: 'v1', leftOut: [] } },
      inputs.delivered,
      nowMs,
    ));
    expect(state.bytesLearned).toBe(2_063);
    ({ state } = stepDelivery(
      { ...state, phase: { name: 'sending', following: [], batch: place, aside: null, version: 'v1', leftOut: [] } },
      inputs.delivered,
      nowMs,
    ));
    // A batch that was not full says nothing about the size.
    expect(state.bytesLearned).toBe(2_063);
    expect(stepDelivery(state, inputs.changed, nowMs).state.bytesLearned).toBeNull();
  });

  test('a single event that is too large is refused by itself: the next one shows whether it is the only one', () => {
    const single = stateIn('sending', {
      phase: {
        name: 'sending',
        following: [],
        batch: { ...place, eventCount: 1 },
        aside: null,
        version: 'v1',
        leftOut: [],
      },
    });
    const { state, effects } = stepDelivery(single, inputs.split, nowMs);
    expect(`${state.phase.name}: ${short(effects)}`).toBe('queued: release ask');
    expect(state).toMatchObject({
      bytesLearned: null,
      cursor: { seq: 10, state: 'active' },
      refusals: { refused: [{ seq: 11, error: 'status_413' }] },
    });
  });

  test('what has no event is passed without a request, and the next batch begins before it', () => {
    const { state, effects } = stepDelivery(stateIn('reading'), inputs.readEmpty, nowMs);
    expect(state.cursor).toEqual({ ...cursor, seq: 15, offset: 90, passed: place.skipped });
    expect(effects.slice(0, 2)).toEqual([{ type: 'release' }, { type: 'save', isUrgent: true }]);
    const sent = stepDelivery(
      { ...state, phase: { name: 'sending', following: [], batch: place, aside: null, version: 'v1', leftOut: [] } },
      inputs.delivered,
      nowMs,
    );
    expect(sent.state.cursor.passed).toEqual(noneSkipped);
    const more = { ...inputs.readEmpty, result: { ...inputs.readEmpty.result, mayHaveMore: true } };
    expect(short(stepDelivery(stateIn('reading'), more, nowMs).effects)).toBe('release save ask');
  });

  test.each([
    ['below', passedMax - 1, 'idle'],
    ['at', passedMax, 'sending'],
    ['above', passedMax + 1, 'sending'],
  ])('I8: one batch accounts for a bounded range: with what was passed %s the limit', (_name, filtered, phase) => {
    const result = { ...inputs.readEmpty.result, skipped: { ...noneSkipped, filtered } };
    expect(stepDelivery(stateIn('reading'), { ...inputs.readEmpty, result }, nowMs).state.phase.name).toBe(phase);
  });

  test('the end of a replay accounts for all that was passed, also without events', () => {
    const result = { kind: 'batch', ...place, eventCount: 0, eventSeqs: [], eventSeq: 10 } as const;
    const passed = stepDelivery(stateIn('reading'), { type: 'read', result, jitter: 0.5 }, nowMs);
    expect(passed.state.phase.name).not.toBe('sending');
    const told = stepDelivery(
      stateIn('reading'),
      { type: 'read', result: { ...result, isLast: true }, jitter: 0.5 },
      nowMs,
    );
    expect(told.state.phase.name).toBe('sending');
  });

  test('a batch without events that failed is tried again: the receiver may have it', () => {
    const trying = { toSeq: 15, tries: 1 };
    expect(stepDelivery(stateIn('reading', { trying }), inputs.readEmpty, nowMs).state.phase.name).toBe('sending');
  });

  test('a changed subscription makes its batch anew, by its new filter', () => {
    const reading = stepDelivery(stateIn('reading'), inputs.changed, nowMs).state;
    expect(short(stepDelivery(reading, inputs.readBatch, nowMs).effects)).toBe('release ask');
    const sending = stepDelivery(stateIn('sending'), inputs.changed, nowMs).state;
    expect(stepDelivery(sending, inputs.retry, nowMs).state).toMatchObject({
      trying: null,
      phase: { name: 'queued' },
    });
    // What was acknowledged counts, and what came meanwhile is looked for.
    expect(stepDelivery(sending, inputs.delivered, nowMs).state).toMatchObject({
      cursor: { seq: 15 },
      phase: { name: 'lingering' },
    });
  });

  test('an idle receiver is told that nothing happened an interval after it was last told anything, and what was passed with it', () => {
    const hourMs = 3_600_000;
    const told = stepDelivery(stateIn('sending'), inputs.delivered, nowMs);
    expect(told.effects.at(-1)).toEqual({ type: 'wake', atMs: nowMs + hourMs * 1.05 });
    const atMs = nowMs + 2 * hourMs;
    let { state } = stepDelivery(told.state, inputs.due, atMs);
    const read = stepDelivery(state, inputs.slot, atMs);
    expect(read.effects).toEqual([
      {
        type: 'read',
        toSeq: null,
        bytesMax: 100_000,
        eventsMax: null,
        batchesMax: 1,
        without: [],
        isProbe: false,
        isProofDue: true,
      },
    ]);
    ({ state } = stepDelivery(read.state, inputs.readProof, atMs));
    ({ state } = stepDelivery(state, inputs.delivered, atMs));
    expect(state).toMatchObject({ phase: { name: 'idle' }, cursor: { seq: 10, toldAtMs: atMs, passed: noneSkipped } });
    expect(state.proofAtMs).toBe(atMs + hourMs * 1.05);
  });

  test('what was acknowledged is as good as a proof: the next one is planned anew, also while records come', () => {
    const sending = stateIn('sending', { hasGrown: true, proofAtMs: 1 });
    let { state } = stepDelivery(sending, inputs.delivered, nowMs);
    ({ state } = stepDelivery(state, inputs.due, nowMs + 200));
    const [read] = stepDelivery(state, inputs.slot, nowMs + 200).effects;
    expect(read).toMatchObject({ type: 'read', isProofDue: false });
  });

  test('a proof that fails is not repeated: what came meanwhile is sent instead, or a newer proof', () => {
    const proof = stepDelivery(stateIn('reading'), inputs.readProof, nowMs).state;
    const { state } = stepDelivery(proof, inputs.retry, nowMs);
    expect(state).toMatchObject({ phase: { name: 'resting' }, trying: null, cursor: { state: 'failing' } });
  });

  test('what cannot be proved now is tried again later, not at once; a paused subscription proves nothing', () => {
    const overdue = { ...stateIn('reading'), cursor: { ...cursor, toldAtMs: 0 }, proofAtMs: 1 };
    const { state, effects } = stepDelivery(overdue, { ...inputs.readNothing, jitter: 0 }, 1e9);
    expect(effects.at(-1)).toEqual({ type: 'wake', atMs: 1e9 + 1_000 });
    const paused = stepDelivery(state, inputs.paused, 1e9).state;
    expect(stepDelivery(paused, inputs.due, 2e9).effects).toEqual([]);
  });

  test('a timer that fires early is set again', () => {
    const early = stepDelivery(stateIn('resting'), inputs.due, nowMs - 1);
    expect(early.effects).toEqual([{ type: 'wake', atMs: nowMs }]);
    expect(early.state.phase.name).toBe('resting');
  });

  test('a subscription that is read again unchanged is no reason to try before the time', () => {
    const resting = stateIn('resting');
    expect(stepDelivery(resting, { type: 'changed', ...wish }, nowMs)).toEqual({ state: resting, effects: [] });
  });

  test('what ClickHouse does not hold yet is asked for again soon, and is no failure', () => {
    const { state, effects } = stepDelivery(stateIn('reading'), inputs.readBehind, nowMs);
    expect(effects.at(-1)).toEqual({ type: 'wake', atMs: nowMs + behindLimits.firstMs });
    expect(state).toMatchObject({ failures: 0, cursor: { state: 'active' } });
  });

  test('I7: … and ever more rarely while it does not come, until anything is there', () => {
    let { state, effects } = stepDelivery(stateIn('reading'), inputs.readBehind, nowMs);
    const pausesMs: number[] = [];
    for (let atMs = nowMs; pausesMs.length < 20;) {
      if (state.phase.name !== 'resting') throw new Error('it does not rest');
      pausesMs.push(state.phase.untilMs - atMs);
      atMs = state.phase.untilMs;
      for (const input of [inputs.due, inputs.slot, inputs.readBehind])
        ({ state, effects } = stepDelivery(state, input, atMs));
      expect(short(effects)).toBe('release wake');
    }
    expect(pausesMs.slice(0, 4)).toEqual([500, 1_000, 2_000, 4_000]);
    expect(new Set(pausesMs.slice(4))).toEqual(new Set([behindLimits.capMs]));
    for (const input of [inputs.readBatch, inputs.readEmpty, inputs.readNothing])
      expect(stepDelivery(stateIn('reading', { behindReads: 9 }), input, nowMs).state.behindReads).toBe(0);
  });

  test('I6: a cursor that its log never had goes back to what the log has, or to what was told before that, and beats every other by its reset', () => {
    const passed = { ...noneSkipped, filtered: 5 };
    const ahead = stateIn('reading', { cursor: { ...cursor, seq: 10, eventSeq: 4, passed }, generation: 2 });
    const { state, effects } = stepDelivery(ahead, inputs.readRenumbered, nowMs);
    expect(`${state.phase.name}: ${short(effects)}`).toBe('queued: release save ask');
    expect(state.cursor).toMatchObject({
      reset: 1,
      seq: 5,
      offset: null,
      generation: 2,
      eventSeq: 4,
      passed: noneSkipped,
      movedBack: { fromSeq: 10, toSeq: 5, atMs: nowMs },
    });
    const told = stateIn('reading', { cursor: { ...cursor, eventSeq: 9 } });
    expect(stepDelivery(told, inputs.readRenumbered, nowMs).state.cursor).toMatchObject({ seq: 7, eventSeq: 0 });
    // It is still said when all is well again.
    const sending = stateIn('sending', { cursor: state.cursor });
    expect(stepDelivery(sending, inputs.delivered, nowMs).state.cursor.movedBack).toEqual(state.cursor.movedBack);
  });

  test('paused while a batch is under way: its acknowledgement counts, and nothing follows', () => {
    const paused = stepDelivery(stateIn('sending', { hasGrown: true }), inputs.paused, nowMs).state;
    const done = stepDelivery(paused, inputs.delivered, nowMs);
    expect(done.state).toMatchObject({ cursor: { seq: 15 }, phase: { name: 'idle' } });
    expect(short(done.effects)).toBe('release save');
    expect(short(stepDelivery(done.state, inputs.grew, nowMs).effects)).toBe('');
    expect(short(stepDelivery(done.state, inputs.changed, nowMs).effects)).toBe('ask');
  });

  test('paused while reading: the batch is not sent', () => {
    const paused = stepDelivery(stateIn('reading'), inputs.paused, nowMs).state;
    const done = stepDelivery(paused, inputs.readBatch, nowMs);
    expect(`${done.state.phase.name}: ${short(done.effects)}`).toBe('idle: release');
  });

  test('410: suspended with the cursor kept, also over a restart, until the owner changes the subscription', () => {
    const { state } = stepDelivery(stateIn('sending'), inputs.gone, nowMs);
    expect(state.cursor).toMatchObject({ seq: 10, state: 'suspended', suspendedVersion: 'v1' });
    expect(initialState(state.cursor, wish).phase.name).toBe('suspended');
    // Kept once more, for what its owner is to be told.
    expect(short(stepDelivery(initialState(state.cursor, wish), inputs.began, nowMs).effects)).toBe('save');
    expect(initialState(state.cursor, { ...wish, version: 'v2' }).phase.name).toBe('idle');
    const unchanged = stepDelivery(state, { type: 'changed', ...wish }, nowMs);
    expect(unchanged.state.phase.name).toBe('suspended');
  });
});

describe('I6: in any order of events', () => {
  test('at most one batch is under way, the cursor moves by acknowledgements only, and a slot is never kept', () => {
    const names = fc.array(fc.constantFrom(...Object.keys(inputs).filter(isInputName)), { maxLength: 80 });
    fc.assert(
      fc.property(names, fc.boolean(), (sequence, isPaused) => {
        let state = initialState(cursor, { ...wish, isPaused }, [parked]);
        let [reads, sends, slots, atMs] = [0, 0, 0, nowMs];
        for (const name of sequence) {
          // The shell answers only what it was asked.
          const isAnswer = inputs[name].type === 'answered';
          if (name.startsWith('read') && reads === 0) continue;
          if (isAnswer && sends === 0) continue;
          if (name === 'slot' && state.phase.name !== 'queued') continue;
          if (name.startsWith('read')) reads -= 1;
          if (isAnswer) sends -= 1;
          if (name === 'slot') slots += 1;
          const before = state;
          atMs += 30_000;
          const step = stepDelivery(state, inputs[name], atMs);
          ({ state } = step);
          for (const effect of step.effects) {
            if (effect.type === 'read' || effect.type === 'read_parked') reads += 1;
            if (effect.type === 'send') sends += 1;
            if (effect.type === 'release') slots -= 1;
          }
          expect(reads + sends).toBeLessThanOrEqual(1);
          expect(slots).toBe(reads + sends);
          expect(comparePlaces(state.cursor, before.cursor)).toBeGreaterThanOrEqual(0);
          const mayMove = name === 'delivered' || name === 'readEmpty' || name === 'readRenumbered';
          if (!mayMove) expect(state.cursor.seq).toBe(before.cursor.seq);
          if (state.isPaused && !before.isPaused) expect(['idle', 'reading', 'sending']).toContain(state.phase.name);
          // Whoever rests or lingers has a timer; whoever is queued has asked.
          if (state.phase.name !== before.phase.name) {
            const kinds = step.effects.map(({ type }) => type);
            if (state.phase.name === 'resting' || state.phase.name === 'lingering') expect(kinds).toContain('wake');
            if (state.phase.name === 'queued') expect(kinds).toContain('ask');
          }
        }
      }),
    );
  });
});
