import { describe, expect, test } from '@jest/globals';
import { createBlockSize, nextShare } from '../src/block-size-policy.ts';

const deadlineMs = 30_000;
const late = { isStored: false, ms: deadlineMs, deadlineMs };
const stored = (ms: number) => ({ isStored: true, ms, deadlineMs });

describe('the size of blocks', () => {
  test('a block that a slow server does not take in time is followed by half of it, again and again, but never by nothing', () => {
    let share = 1;
    const shares = Array.from({ length: 8 }, () => (share = nextShare(share, late)));
    expect(shares).toEqual([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 64, 1 / 64]);
  });

  test('the first block is an eighth, the fourth is whole: the server has something to do soon', () => {
    const { limits, note } = createBlockSize({ rowsMax: 800, bytesMax: 1600, ageMsMax: 5, behindAgeMsMax: 9 });
    const sizes = Array.from({ length: 5 }, () => {
      const { rowsMax, bytesMax } = limits;
      note(stored(500));
      return [rowsMax, bytesMax];
    });
    expect(sizes).toEqual([
      [100, 200],
      [200, 400],
      [400, 800],
      [800, 1600],
      [800, 1600],
    ]);
  });

  test('the limits follow, and come back, for the block that is being filled', () => {
    const { limits, note } = createBlockSize({ rowsMax: 10, bytesMax: 20, ageMsMax: 5, behindAgeMsMax: 9 });
    for (let n = 0; n < 10; n += 1) note(stored(10));
    note(late);
    expect(limits).toEqual({ rowsMax: 5, bytesMax: 10, ageMsMax: 5, behindAgeMsMax: 9 });
    for (let n = 0; n < 10; n += 1) note(late);
    expect(limits).toEqual({ rowsMax: 1, bytesMax: 1, ageMsMax: 5, behindAgeMsMax: 9 });
    for (let n = 0; n < 10; n += 1) note(stored(10));
    expect(limits).toEqual({ rowsMax: 10, bytesMax: 20, ageMsMax: 5, behindAgeMsMax: 9 });
  });

  test('a server that is away, or says no at once, does not make blocks smaller', () => {
    expect(nextShare(1, { isStored: false, ms: deadlineMs - 1, deadlineMs })).toBe(1);
  });

  test.each([
    [deadlineMs / 4, 1 / 4],
    [deadlineMs / 4 + 1, 1 / 8],
    [deadlineMs - 1, 1 / 8],
  ])('after an insert of %d ms, an eighth becomes %d', (ms, share) => {
    expect(nextShare(1 / 8, stored(ms))).toBe(share);
  });

  test('what is too large for the memory of the server is not tried again before a hundred blocks are stored', () => {
    const { limits, note } = createBlockSize({ rowsMax: 800, bytesMax: 1600, ageMsMax: 5, behindAgeMsMax: 9 });
    for (let n = 0; n < 10; n += 1) note(stored(10));
    note({ isStored: false, ms: 10, deadlineMs, isTooLarge: true });
    expect(limits.rowsMax).toBe(400);
    for (let n = 0; n < 99; n += 1) note(stored(10));
    expect(limits.rowsMax).toBe(400);
    note(stored(10));
    expect(limits.rowsMax).toBe(800);
  });

  test('blocks never become larger than configured', () => {
    expect(nextShare(1, stored(1))).toBe(1);
  });
});
