import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { firstCursor } from '../src/cursor-mapper.ts';
import type { Cursor } from '../src/cursor-mapper.ts';
import { behindPollMs, initialState, stepDelivery } from '../src/delivery-machine.ts';
import type { DeliveryState, Effect, Input, Phase } from '../src/delivery-machine.ts';

const nowMs = 1_000_000;
const wish = { isPaused: false, version: 'v1', lingerMs: 200 };
const place = { toSeq: 15, eventSeq: 14, offset: 90, mayHaveMore: false };
const cursor: Cursor = { ...firstCursor(10, 1), offset: 50 };

const phases: Record<Phase['name'], Phase> = {
  idle: { name: 'idle' },
  lingering: { name: 'lingering', untilMs: nowMs },
  queued: { name: 'queued' },
  reading: { name: 'reading' },
  sending: { name: 'sending', batch: place },
  resting: { name: 'resting', untilMs: nowMs },
  suspended: { name: 'suspended' },
};
const inputs = {
  began: { type: 'began' },
  grew: { type: 'grew' },
  due: { type: 'due' },
  slot: { type: 'slot' },
  readBatch: { type: 'read', result: { kind: 'batch', ...place }, jitter: 0.5 },
  readNothing: { type: 'read', result: { kind: 'nothing', offset: 70 }, jitter: 0.5 },
  readBehind: { type: 'read', result: { kind: 'behind' }, jitter: 0.5 },
  readFailed: { type: 'read', result: { kind: 'failed' }, jitter: 0.5 },
  delivered: { type: 'answered', outcome: 'delivered', error: '', retryAfterMs: null, jitter: 0.5 },
  retry: { type: 'answered', outcome: 'retry', error: 'status_500', retryAfterMs: null, jitter: 0.5 },
  misconfigured: { type: 'answered', outcome: 'misconfigured', error: 'status_404', retryAfterMs: null, jitter: 0.5 },
  gone: { type: 'answered', outcome: 'gone', error: 'status_410', retryAfterMs: null, jitter: 0.5 },
  changed: { type: 'changed', ...wish, version: 'v2' },
  paused: { type: 'changed', ...wish, version: 'v2', isPaused: true },
} as const satisfies Record<string, Input>;

type InputName = keyof typeof inputs;

const isPhaseName = (name: string): name is Phase['name'] => name in phases;
const isInputName = (name: string): name is InputName => name in inputs;

function stateIn(phase: Phase['name'], changes: Partial<DeliveryState> = {}): DeliveryState {
  const suspended: Cursor = {
    ...cursor,
    state: 'suspended',
    suspendedVersion: 'v1',
    failingSinceMs: 5,
    lastError: 'status_410',
  };
  const trying = phase === 'sending' ? { toSeq: 15, tries: 1 } : null;
  return {
    ...initialState(phase === 'suspended' ? suspended : cursor, wish),
    phase: phases[phase],
    trying,
    ...changes,
  };
}

const short = (effects: readonly Effect[]): string =>
  effects.map((effect) => (effect.type === 'save' && !effect.isUrgent ? 'save-later' : effect.type)).join(' ');

/** Phase after the input, and the effects in order. `=`: nothing happens. */
const stays = '=';
const table: Record<Phase['name'], Record<InputName, string>> = {
  idle: {
    began: 'queued: ask',
    grew: 'lingering: wake',
    due: stays,
    slot: 'idle: release',
    readBatch: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: ask',
    paused: 'idle: ',
  },
  lingering: {
    began: stays,
    grew: stays,
    due: 'queued: ask',
    slot: 'lingering: release',
    readBatch: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: ask',
    paused: 'idle: ',
  },
  queued: {
    began: stays,
    grew: stays,
    due: stays,
    slot: 'reading: read',
    readBatch: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: ',
    paused: 'idle: cancel',
  },
  reading: {
    began: stays,
    grew: 'reading: ',
    due: stays,
    slot: 'reading: release',
    readBatch: 'sending: send',
    readNothing: 'idle: release save-later',
    readBehind: 'resting: release wake',
    readFailed: 'resting: release wake',
    delivered: stays,
    retry: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'reading: ',
    paused: 'reading: ',
  },
  sending: {
    began: stays,
    grew: 'sending: ',
    due: stays,
    slot: 'sending: release',
    readBatch: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: 'idle: release save',
    retry: 'resting: release save wake',
    misconfigured: 'resting: release save wake',
    gone: 'suspended: release save',
    changed: 'sending: ',
    paused: 'sending: ',
  },
  resting: {
    began: stays,
    grew: stays,
    due: 'queued: ask',
    slot: 'resting: release',
    readBatch: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: ask',
    paused: 'idle: ',
  },
  suspended: {
    began: stays,
    grew: stays,
    due: stays,
    slot: 'suspended: release',
    readBatch: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: save ask',
    paused: 'idle: save',
  },
};

const cases = Object.entries(table).flatMap(([phase, row]) =>
  Object.entries(row).map(([input, expected]): [string, string, string] => [phase, input, expected]),
);

describe('every phase with every input', () => {
  test.each(cases)('%s, %s → %s', (phase, input, expected) => {
    if (!isPhaseName(phase) || !isInputName(input)) throw new Error('not in the table');
    const before = stateIn(phase);
    const { state, effects } = stepDelivery(before, inputs[input], nowMs);
    if (expected === stays) {
      expect({ state, effects }).toEqual({ state: before, effects: [] });
    } else {
      expect(`${state.phase.name}: ${short(effects)}`).toBe(expected);
    }
    // I6: only an acknowledgement moves the cursor.
    expect(state.cursor.seq).toBe(phase === 'sending' && input === 'delivered' ? 15 : 10);
  });
});

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
    const sending = stateIn('sending', { phase: { name: 'sending', batch: { ...place, offset: null } } });
    expect(stepDelivery(sending, inputs.delivered, nowMs).state.cursor.offset).toBeNull();
  });

  test('the cut of a silent log moves on, and never back', () => {
    expect(stepDelivery(stateIn('reading'), inputs.readNothing, nowMs).state.cursor).toEqual({ ...cursor, offset: 70 });
    const farther = stateIn('reading', { cursor: { ...cursor, offset: 80 } });
    expect(stepDelivery(farther, inputs.readNothing, nowMs)).toMatchObject({
      state: { cursor: { offset: 80 } },
      effects: [{ type: 'release' }],
    });
  });

  test('a batch that a limit ended is followed by the next at once; one after which records came lingers', () => {
    const full = stateIn('sending', { phase: { name: 'sending', batch: { ...place, mayHaveMore: true } } });
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
    ({ state } = stepDelivery(state, inputs.due, nowMs + 60_000));
    const { state: reading, effects } = stepDelivery(state, inputs.slot, nowMs + 60_000);
    expect(effects).toEqual([{ type: 'read', toSeq: 15 }]);
    const sent = stepDelivery(reading, inputs.readBatch, nowMs + 60_000);
    expect(sent.effects).toEqual([{ type: 'send', tryNumber: 2 }]);
    const failed = stepDelivery(sent.state, inputs.retry, nowMs + 60_000);
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
    expect(effects.at(-1)).toEqual({ type: 'wake', atMs: nowMs + behindPollMs });
    expect(state).toMatchObject({ failures: 0, cursor: { state: 'active' } });
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
    expect(stepDelivery(initialState(state.cursor, wish), inputs.began, nowMs).effects).toEqual([]);
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
        let state = initialState(cursor, { ...wish, isPaused });
        let [reads, sends, slots, atMs] = [0, 0, 0, nowMs];
        for (const name of sequence) {
          // The shell answers only what it was asked.
          const isAnswer = ['delivered', 'retry', 'misconfigured', 'gone'].includes(name);
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
            if (effect.type === 'read') reads += 1;
            if (effect.type === 'send') sends += 1;
            if (effect.type === 'release') slots -= 1;
          }
          expect(reads + sends).toBeLessThanOrEqual(1);
          expect(slots).toBe(reads + sends);
          expect(state.cursor.seq).toBeGreaterThanOrEqual(before.cursor.seq);
          if (name !== 'delivered') expect(state.cursor.seq).toBe(before.cursor.seq);
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
