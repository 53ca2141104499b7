import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { grownBytes, halvedBytes, windowAfter } from '../../src/machine/batch-size-policy.ts';

describe('how large a body a receiver takes', () => {
  test('half of what it refused, and more again up to what the owner allows', () => {
    expect(halvedBytes(1_001)).toBe(500);
    expect(halvedBytes(1)).toBe(1);
    expect(grownBytes(null, 1_000)).toBeNull();
    expect(grownBytes(320, 1_000)).toBe(330);
    expect(grownBytes(1, 1_000)).toBe(2);
    expect(grownBytes(990, 1_000)).toBeNull();
  });

  test('with any limit of the receiver, what is tried settles between half of it and just above it', () => {
    const limits = fc.record({
      ownerMax: fc.integer({ min: 2, max: 5_000_000 }),
      share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(limits, ({ ownerMax, share }) => {
        const receiverMax = Math.max(1, Math.floor(ownerMax * share));
        let learned: number | null = null;
        let refused = 0;
        for (let sent = 0; sent < 300; sent += 1) {
          const bytes: number = learned ?? ownerMax;
          const isTaken = bytes <= receiverMax;
          learned = isTaken ? grownBytes(learned, ownerMax) : halvedBytes(bytes);
          if (sent < 20) continue;
          refused += isTaken ? 0 : 1;
          expect(bytes).toBeGreaterThanOrEqual(Math.floor(receiverMax / 2));
          expect(bytes).toBeLessThanOrEqual(receiverMax + Math.ceil(receiverMax / 32) + 1);
        }
        if (receiverMax > 1_000) expect(refused).toBeLessThanOrEqual(15);
      }),
    );
  });
});

describe('how many batches are under way at once', () => {
  test.each<[string, number, number, boolean, number, number]>([
    ['a full window that is taken is followed by a wider one', 2, 4, true, 2, 3],
    ['up to what the owner allows', 4, 4, true, 4, 4],
    ['one that was not full proves nothing', 3, 4, true, 2, 3],
    ['after a failure by half as many', 4, 4, false, 4, 2],
    ['but at least by one', 1, 4, false, 1, 1],
    ['in order there is always one', 1, 1, true, 1, 1],
  ])('%s', (_name, window, windowMax, isTaken, underWay, expected) => {
    expect(windowAfter({ window, windowMax }, { isTaken, underWay })).toBe(expected);
  });
});
