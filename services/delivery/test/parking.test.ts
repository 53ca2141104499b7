import { describe, expect, test } from '@jest/globals';
import { parkedMax } from '@docket/directory';
import type { ParkedEvent } from '@docket/directory';
import fc from 'fast-check';

import { firstCursor } from '../src/cursors/cursor-mapper.ts';
import { stepDelivery } from '../src/machine/delivery-machine.ts';
import { initialState } from '../src/machine/delivery-state.ts';
import type { BatchPlace, DeliveryState, Effect, Input } from '../src/machine/delivery-state.ts';
import { rejectAll } from '../src/sinks/sink-answer.ts';
import { noneSkipped } from '../src/batches/skipped-counts.ts';
import { inputs as machineInputs, nowMs, parked, stateIn, wish } from './machine-for-tests.ts';

interface Request {
  readonly seqs: readonly number[];
  readonly aside: 'parked' | 'probe' | null;
  readonly leftOut: readonly number[];
}

/** A receiver: what it says of one request. */
type Receiver = (request: Request, count: number) => Extract<Input, { type: 'answered' }>['outcome'];

const delivered = { kind: 'delivered' } as const;
const refusing =
  (isRefused: (seq: number) => boolean): Receiver =>
  ({ seqs }) =>
    seqs.some(isRefused) ? withoutError(rejectAll(seqs.length, 'status_400')) : delivered;
const withoutError = ({ error: _error, ...outcome }: ReturnType<typeof rejectAll>) => outcome;

/** Runs the machine over a log of so many events, in batches of ten, until it waits. */
function run(events: number, receiver: Receiver, from: DeliveryState = initialState(firstCursor(0, 1), wish)) {
  let state = from;
  const requests: Request[] = [];
  const kept: ParkedEvent[] = [];
  const forgotten: number[] = [];
  const inputs: Input[] = [{ type: 'began' }];
  let read: BatchPlace | undefined;
  const placeOf = (seqs: readonly number[], toSeq: number, parkedCount: number): BatchPlace => ({
    toSeq,
    eventSeq: seqs.at(-1) ?? state.cursor.eventSeq,
    eventCount: seqs.length,
    eventSeqs: seqs,
    skipped: { ...noneSkipped, parked: parkedCount },
    bodyBytes: 10 * seqs.length,
    offset: null,
    mayHaveMore: toSeq < events,
    isLast: false,
  });
  const answerTo = (effect: Effect): Input | undefined => {
    switch (effect.type) {
      case 'ask':
        return { type: 'slot' };
      case 'read': {
        const { without, eventsMax, bytesMax, isProbe } = effect;
        const behind = Array.from({ length: events - state.cursor.seq }, (_, index) => state.cursor.seq + 1 + index);
        const seqs = behind
          .filter((seq) => !without.includes(seq))
          .slice(0, Math.min(10, eventsMax ?? 10, Math.max(1, Math.floor(bytesMax / 10))));
        if (behind.length === 0) return { type: 'read', result: { kind: 'nothing', offset: 1 }, jitter: 0 };
        const leftOut = without.filter((seq) => seqs.length === 0 || seq <= (seqs.at(-1) ?? 0));
        read = placeOf(seqs, seqs.at(-1) ?? events, isProbe ? 0 : leftOut.length);
        return { type: 'read', result: { kind: 'batch', ...read }, jitter: 0 };
      }
      case 'read_parked':
        read = placeOf([effect.parked.seq], effect.parked.seq, 0);
        return { type: 'read', result: { kind: 'batch', ...read }, jitter: 0 };
      case 'send': {
        const { phase } = state;
        if (phase.name !== 'sending' || read === undefined) throw new Error('nothing is being sent');
        const aside = phase.aside?.kind ?? null;
        const request = { seqs: read.eventSeqs, aside, leftOut: phase.leftOut.map(({ seq }) => seq) };
        requests.push(request);
        const outcome = receiver(request, requests.length);
        return { type: 'answered', outcome, error: 'status_400', excerpt: 'no', retryAfterMs: null, jitter: 0 };
      }
      case 'keep_parked':
        kept.push(effect.parked);
        return undefined;
      case 'forget_parked':
        forgotten.push(effect.seq);
        return undefined;
      case 'cancel':
      case 'locate':
      case 'release':
      case 'wake':
      case 'tell':
      case 'save':
        return undefined;
    }
  };
  for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
    const stepped = stepDelivery(state, input, nowMs);
    ({ state } = stepped);
    inputs.push(...stepped.effects.flatMap((effect) => answerTo(effect) ?? []));
    if (requests.length > 500) throw new Error('it does not come to rest');
  }
  return { state, requests, kept: kept.map(({ seq }) => seq), forgotten };
}

const asked = (seqs: readonly number[]): ParkedEvent[] => seqs.map((seq) => ({ ...parked, seq, asks: 1, refused: 0 }));

describe('finding what a receiver refuses', () => {
  test('one event of a batch is found by halving, and parked when its neighbours are taken', () => {
    const { state, requests, kept } = run(
      10,
      refusing((seq) => seq === 6),
    );
    expect(kept).toEqual([6]);
    expect(state).toMatchObject({ cursor: { seq: 10, state: 'active' }, parked: [{ seq: 6, error: 'status_400' }] });
    expect(requests.at(-1)).toEqual({ seqs: [7, 8, 9, 10], aside: null, leftOut: [6] });
    expect(requests.length).toBeLessThanOrEqual(8);
  });

  test('the first event of all: the next one is tried aside, then the first once more, before anything is said about it', () => {
    const { state, requests } = run(
      3,
      refusing((seq) => seq === 1),
    );
    expect(requests).toEqual([
      { seqs: [1, 2, 3], aside: null, leftOut: [] },
      { seqs: [1], aside: null, leftOut: [] },
      { seqs: [2], aside: 'probe', leftOut: [] },
      { seqs: [1], aside: null, leftOut: [] },
      { seqs: [2, 3], aside: null, leftOut: [1] },
    ]);
    expect(state.cursor.seq).toBe(3);
  });

  test('a receiver that is mended while its neighbours are tried: nothing is parked, and all comes in order', () => {
    for (let mendedAt = 2; mendedAt < 30; mendedAt += 1) {
      const { state, kept, requests } = run(30, (request, count) => refusing(() => count < mendedAt)(request, count));
      expect(kept).toEqual([]);
      const inStream = requests.filter(({ aside }) => aside === null);
      const first = [...new Set(inStream.flatMap(({ seqs }) => seqs))];
      expect(first).toEqual(first.toSorted((a, b) => a - b));
      expect([0, 30]).toContain(state.cursor.seq);
    }
  });

  test.each([
    ['nine in a row and then one that is taken: nine are parked', 9, [1, 2, 3, 4, 5, 6, 7, 8, 9], 30],
    ['ten in a row: nothing is parked, and the cursor is before the first', 10, [], 0],
    ['eleven in a row', 11, [], 0],
  ])('%s', (_name, refused, expected, seq) => {
    const { state, kept } = run(
      30,
      refusing((one) => one <= refused),
    );
    expect(kept).toEqual(expected);
    expect(state.cursor.seq).toBe(seq);
    if (seq === 0) {
      expect(state).toMatchObject({ cursor: { state: 'failing' }, phase: { name: 'resting' } });
      // The next try is the first of them, alone.
      expect(state.refusals).toEqual({ suspect: { toSeq: 1, count: 1 }, refused: [], hasTaken: false });
    }
  });

  test('the last event has no neighbour: it waits, and the next one shows whether it is the only one', () => {
    const first = run(
      5,
      refusing((seq) => seq === 5),
    );
    expect(first.kept).toEqual([]);
    expect(first.state).toMatchObject({ cursor: { seq: 4 }, phase: { name: 'resting', forNeighbour: true } });
    const grown = stepDelivery(first.state, { type: 'grew' }, nowMs);
    const { kept, state } = run(
      7,
      refusing((seq) => seq === 5),
      { ...grown.state, phase: { name: 'idle' } },
    );
    expect(kept).toEqual([5]);
    expect(state.cursor).toMatchObject({ seq: 7, state: 'active' });
  });

  test('a failure in between takes the evidence away: it is found out again', () => {
    const isRefused = refusing((seq) => seq === 6);
    const { state, kept } = run(10, (request, count) =>
      request.leftOut.length > 0 ? { kind: 'retry' } : isRefused(request, count),
    );
    expect(kept).toEqual([]);
    expect(state).toMatchObject({
      cursor: { seq: 5, state: 'failing' },
      trying: null,
      refusals: { suspect: { toSeq: 6, count: 1 }, refused: [], hasTaken: false },
    });
  });

  test('the word of the sink is evidence: what it refuses beside what it takes is left out of the next request, and parked', () => {
    const { state, requests, kept } = run(10, ({ seqs }) => {
      const indices = seqs.flatMap((seq, index) => (seq % 4 === 0 ? [index] : []));
      return indices.length === 0 ? delivered : { kind: 'reject_event', indices, hasTaken: true };
    });
    expect(kept).toEqual([4, 8]);
    expect(requests).toHaveLength(2);
    expect(state.cursor.seq).toBe(10);
  });

  test.each([
    ['takes those in front of it', true],
    ['takes nothing of the batch', false],
  ])(
    'a sink that ends at the first that it refuses, and %s: none is sent a third time, however many are refused',
    (_name, takesInFront) => {
      const isRefused = (seq: number): boolean => seq % 3 === 0;
      const times = new Map<number, number>();
      const { state, kept } = run(40, ({ seqs }) => {
        const place = seqs.findIndex(isRefused);
        const isDelivered = place < 0;
        for (const seq of isDelivered ? seqs : seqs.slice(0, takesInFront ? place : 0))
          times.set(seq, (times.get(seq) ?? 0) + 1);
        return isDelivered
          ? delivered
          : { kind: 'reject_event', indices: [place], hasTaken: place > 0, isInOrder: true };
      });
      const [good, bad] = [false, true].map((wanted) =>
        Array.from({ length: 40 }, (_, index) => index + 1).filter((seq) => isRefused(seq) === wanted),
      );
      expect(kept).toEqual(bad);
      expect(state.cursor).toMatchObject({ seq: 40, state: 'active' });
      expect([...times.keys()].toSorted((a, b) => a - b)).toEqual(good);
      expect(Math.max(...times.values())).toBeLessThanOrEqual(2);
    },
  );

  test('a single event that is too large is parked like one that is refused', () => {
    const { kept } = run(10, ({ seqs }) => (seqs.includes(3) ? { kind: 'split' } : delivered));
    expect(kept).toEqual([3]);
  });

  test('a change of the subscription while a batch that left one out is under way: taken, it is parked all the same', () => {
    const leftOut = [{ seq: 11, error: 'status_400', excerpt: 'no', evidence: 'neighbour' as const }];
    const sending = stateIn('sending');
    if (sending.phase.name !== 'sending') throw new Error('not sending');
    const changed = stepDelivery(
      {
        ...sending,
        phase: { ...sending.phase, leftOut },
        refusals: { suspect: null, refused: leftOut, hasTaken: true },
      },
      { type: 'changed', ...wish, version: 'v2' },
      nowMs,
    );
    const answer = {
      type: 'answered',
      outcome: delivered,
      error: '',
      excerpt: '',
      retryAfterMs: null,
      jitter: 0,
    } as const;
    const { effects } = stepDelivery(changed.state, answer, nowMs);
    expect(effects.map(({ type }) => type).slice(0, 3)).toEqual(['release', 'keep_parked', 'save']);
  });

  test.each([
    ['below', parkedMax - 1, [6]],
    ['at', parkedMax, []],
  ])('I8: with a list %s its limit', (_name, count, expected) => {
    const full = Array.from({ length: count }, (_, index) => ({ ...parked, seq: 1_000 + index, asks: 0 }));
    const { state, kept } = run(
      10,
      refusing((seq) => seq === 6),
      initialState(firstCursor(0, 1), wish, full),
    );
    expect(kept).toEqual(expected);
    expect(state.cursor.lastError).toBe(expected.length === 0 ? 'parked_list_full' : '');
  });

  test('whatever it refuses: what is parked is refused, and the rest is taken in order, unless ten in a row are refused', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }), (refused) => {
        const set = new Set(refused);
        const { state, kept, requests } = run(
          41,
          refusing((seq) => set.has(seq)),
        );
        const taken = requests.filter(({ seqs, aside }) => aside === null && seqs.every((seq) => !set.has(seq)));
        const order = taken.flatMap(({ seqs }) => seqs);
        expect(order).toEqual([...new Set(order)].toSorted((a, b) => a - b));
        expect(kept.every((seq) => set.has(seq))).toBe(true);
        const row = Array.from({ length: 31 }, (_, index) => index + 1).find((seq) =>
          Array.from({ length: 10 }, (_, index) => seq + index).every((one) => set.has(one)),
        );
        expect(state.cursor.seq).toBe(row === undefined ? 41 : row - 1);
        if (row === undefined) expect(kept.toSorted((a, b) => a - b)).toEqual(refused.toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});

describe('sending parked events again', () => {
  test('one between two batches, beside the stream; what is taken leaves the list', () => {
    const { state, requests, forgotten } = run(
      25,
      () => delivered,
      initialState(firstCursor(0, 1), wish, asked([101, 102])),
    );
    expect(requests.map(({ aside }) => aside)).toEqual([null, 'parked', null, 'parked', null]);
    expect(forgotten).toEqual([101, 102]);
    expect(state).toMatchObject({ parked: [], cursor: { seq: 25 }, phase: { name: 'idle' } });
  });

  test('refused once more it stays, with the new answer, and is not asked for any more', () => {
    const { state, kept } = run(
      0,
      refusing(() => true),
      initialState(firstCursor(0, 1), wish, asked([7])),
    );
    expect(kept).toEqual([7]);
    expect(state.parked).toEqual([{ ...parked, answerExcerpt: 'no', asks: 1, refused: 1 }]);
    expect(state.cursor.state).toBe('active');
  });

  test('its failures delay it, and never the stream', () => {
    const receiver: Receiver = ({ aside }) => (aside === 'parked' ? { kind: 'retry' } : delivered);
    const { state, requests } = run(45, receiver, initialState(firstCursor(0, 1), wish, asked([107])));
    expect(state.cursor).toMatchObject({ seq: 45, state: 'active' });
    expect(requests.filter(({ aside }) => aside === 'parked')).toHaveLength(1);
    expect(state.replay).toMatchObject({ failures: 1, atMs: nowMs + 100 });
  });

  test('while the subscription fails nothing of the list is sent', () => {
    const { requests } = run(10, () => ({ kind: 'retry' }), initialState(firstCursor(0, 1), wish, asked([7])));
    expect(requests).toEqual([{ seqs: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], aside: null, leftOut: [] }]);
  });

  test('what retention has taken from the log leaves the list', () => {
    const { state, effects } = stepDelivery(
      stateIn('readingParked'),
      { type: 'read', result: { kind: 'expired' }, jitter: 0 },
      nowMs,
    );
    expect(state.parked).toEqual([]);
    expect(effects).toContainEqual({ type: 'forget_parked', seq: 7 });
  });

  test('parked by an owner that ended before its cursor was kept, and taken in its place: it leaves the list', () => {
    const list = [{ ...parked, seq: 3, asks: 0 }];
    expect(run(5, () => delivered, initialState(firstCursor(0, 1), wish, list)).forgotten).toEqual([3]);
  });

  test('its owner does without it while it is being sent: refused once more, it does not come back', () => {
    const { state } = stepDelivery(stateIn('sendingParked'), machineInputs.dismissed, nowMs);
    expect(state.parked).toEqual([]);
    const answered = stepDelivery(state, machineInputs.rejectEvent, nowMs);
    expect(answered.state.parked).toEqual([]);
    expect(answered.effects.map(({ type }) => type)).toEqual(['release', 'ask']);
  });

  test('dismissed while nobody delivered: the next owner takes it off the list, also of a suspended subscription', () => {
    const list = [{ ...parked, isDismissed: true } as const, { ...parked, seq: 8 }];
    for (const state of ['active', 'suspended'] as const) {
      const cursor = { ...firstCursor(0, 1), state, suspendedVersion: state === 'suspended' ? wish.version : '' };
      const began = stepDelivery(initialState(cursor, wish, list), { type: 'began' }, nowMs);
      expect(began.effects).toContainEqual({ type: 'forget_parked', seq: 7 });
      expect(began.state.parked.map(({ seq }) => seq)).toEqual([8]);
    }
  });
});
