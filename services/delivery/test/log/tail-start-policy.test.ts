import { describe, expect, test } from '@jest/globals';

import { firstCursor } from '../../src/cursors/cursor-mapper.ts';
import { tailStart } from '../../src/log/tail-start-policy.ts';

const covered = (offset: number | null) => ({ ...firstCursor(0, 1), offset });
const partition = { earliest: 0, end: 100_000, storedThrough: 99_000 };

describe('where a tail begins', () => {
  test.each([
    ['nobody subscribes: where ClickHouse ends', [], 99_000 + 1],
    ['at the smallest useful cut', [99_500, 98_000, 99_999], 98_001],
    ['everybody is in step', [99_999, 99_999], 99_001],
    ['who is far behind reads in ClickHouse', [5, 99_500], 99_001],
  ])('%s', (_name, offsets, expected) => {
    expect(tailStart(partition, offsets.map(covered))).toBe(expected);
  });

  test('ClickHouse is silent: healthy subscriptions go on from Kafka, the others wait', () => {
    const silent = { ...partition, storedThrough: undefined };
    expect(tailStart(silent, [covered(99_500), covered(5)])).toBe(99_501);
    expect(tailStart(silent, [covered(5), covered(null)])).toBe(100_000);
    expect(tailStart(silent, [])).toBe(100_000);
  });

  test('a young topic is read from its first record, so that a new subscription needs no ClickHouse', () => {
    expect(tailStart({ earliest: 0, end: 40, storedThrough: undefined }, [covered(-1)])).toBe(0);
    expect(tailStart({ earliest: 0, end: 0, storedThrough: -1 }, [covered(-1)])).toBe(0);
  });

  test('never outside what Kafka holds', () => {
    expect(tailStart({ earliest: 50, end: 60, storedThrough: 10 }, [covered(20)])).toBe(60);
    expect(tailStart({ earliest: 50, end: 60, storedThrough: 70 }, [covered(80)])).toBe(60);
    expect(tailStart({ earliest: 50, end: 60, storedThrough: 49 }, [])).toBe(50);
  });
});
