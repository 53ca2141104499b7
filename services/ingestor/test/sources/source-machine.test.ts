import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { afterTelling, dueGaps, foldSeen, gapsMax, noSource } from '../../src/sources/source-machine.ts';
import type { SeenRange, SourceGap, SourceState } from '../../src/sources/source-machine.ts';

const seen = (...ranges: readonly (readonly [number, number, number?])[]): SeenRange[] =>
  ranges.map(([from, to, receivedMs = 0]) => ({ from, to, receivedMs }));
const gap = (from: number, to: number, sinceMs = 0): SourceGap => ({ from, to, sinceMs, told: null });
const told = (from: number, to: number, whole: readonly [number, number]): SourceGap => ({
  ...gap(from, to),
  told: { from: whole[0], to: whole[1] },
});
/** How many counters are missing and were told so. */
const missingOf = ({ gaps }: SourceState): number =>
  gaps.reduce((sum, { from, to, told: whole }) => sum + (whole === null ? 0 : to - from + 1), 0);

describe('counting', () => {
  test('numbers without a hole leave none, and the same ones again change nothing', () => {
    const once = foldSeen(noSource, seen([1, 10]));
    expect(once).toEqual({ state: { high: 10, gaps: [] }, closed: [] });
    expect(foldSeen(once.state, seen([4, 10]))).toEqual(once);
  });

  test('a hole shows from when the number behind it was appended', () => {
    const { state } = foldSeen(noSource, seen([1, 3, 1_000], [5, 6, 2_000], [9, 9, 3_000]));
    expect(state).toEqual({ high: 9, gaps: [gap(4, 4, 2_000), gap(7, 8, 3_000)] });
  });

  test('a source that is new begins at 1: what is missing before its first number is a hole', () => {
    expect(foldSeen(noSource, seen([3, 3, 7])).state).toEqual({ high: 3, gaps: [gap(1, 2, 7)] });
  });

  test('what arrives out of order within the minute fills its hole, and nothing is told', () => {
    const { state } = foldSeen(noSource, seen([1, 1, 0], [3, 3, 0]));
    const later = foldSeen(state, seen([2, 2, 50_000]));
    expect(later).toEqual({ state: { high: 3, gaps: [] }, closed: [] });
    expect(dueGaps(state, -1)).toEqual([]);
    expect(dueGaps(state, 0)).toEqual([gap(2, 2)]);
  });

  test('what was told is closed once, when its last number has arrived', () => {
    const before: SourceState = { high: 10, gaps: [gap(3, 7)] };
    const telling = afterTelling(before, dueGaps(before, 0));
    expect([telling.gaps, missingOf(telling)]).toEqual([[told(3, 7, [3, 7])], 5]);
    const half = foldSeen(telling, seen([5, 5]));
    expect(half).toEqual({ state: { high: 10, gaps: [told(3, 4, [3, 7]), told(6, 7, [3, 7])] }, closed: [] });
    expect(dueGaps(half.state, Infinity)).toEqual([]);
    const whole = foldSeen(half.state, seen([3, 4], [6, 8]));
    expect(whole).toEqual({ state: { high: 10, gaps: [] }, closed: [{ from: 3, to: 7 }] });
    expect(foldSeen(whole.state, seen([3, 8])).closed).toEqual([]);
  });

  test('I8: holes beyond the limit go, those that were told first, and nothing is called closed for it', () => {
    const holes = Array.from({ length: gapsMax }, (_, n) =>
      n === 5 ? told(10 * n + 1, 10 * n + 1, [51, 51]) : gap(10 * n + 1, 10 * n + 1),
    );
    const full: SourceState = { high: 10_000, gaps: holes };
    const over = foldSeen(full, seen([10_002, 10_002]));
    expect(over.closed).toEqual([]);
    expect(over.state.gaps).toHaveLength(gapsMax);
    expect(over.state.gaps).toEqual([...holes.filter((one) => one.told === null), gap(10_001, 10_001)]);
    const further = foldSeen(over.state, seen([10_004, 10_004]));
    expect(further.state.gaps).toEqual([...over.state.gaps.slice(1), gap(10_003, 10_003)]);
  });
});

test('whatever comes, in whatever order and pieces and however often: the holes are exactly what has not come', () => {
  const number = fc.integer({ min: 1, max: 60 });
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(number, { maxLength: 8 }), { maxLength: 12 }), (steps) => {
      let state: SourceState = noSource;
      const came = new Set<number>();
      for (const step of steps) {
        state = foldSeen(state, rangesOf(step)).state;
        for (const one of step) came.add(one);
      }
      const missing = Array.from({ length: state.high }, (_, n) => n + 1).filter((one) => !came.has(one));
      expect(state.high).toBe(Math.max(0, ...came));
      expect(state.gaps.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n))).toEqual(
        missing,
      );
    }),
  );
});

/** As ClickHouse gives them: ascending, without neighbours that touch. */
function rangesOf(numbers: readonly number[]): SeenRange[] {
  const ranges: SeenRange[] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === number - 1) ranges[ranges.length - 1] = { ...last, to: number };
    else ranges.push({ from: number, to: number, receivedMs: 0 });
  }
  return ranges;
}
