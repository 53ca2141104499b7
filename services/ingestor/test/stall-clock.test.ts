import { describe, expect, test } from '@jest/globals';
import { createStallClock } from '../src/stall-clock.ts';

describe('for how long nothing was stored', () => {
  test('time counts from when something began to wait, not from each new record', () => {
    const clock = createStallClock();
    expect(clock.stalledMs(5)).toBe(0);
    clock.waits(true, 10);
    clock.waits(true, 20);
    expect(clock.stalledMs(30)).toBe(20);
  });

  test('an insert begins the count anew while more waits', () => {
    const clock = createStallClock();
    clock.waits(true, 10);
    clock.stored(40);
    expect(clock.stalledMs(45)).toBe(5);
  });

  test('an idle ingestor is not stalled, however long ago its last insert was', () => {
    const clock = createStallClock();
    clock.waits(true, 10);
    clock.stored(20);
    clock.waits(false, 20);
    expect(clock.stalledMs(1_000_000)).toBe(0);
    clock.stored(1_000_000);
    expect(clock.stalledMs(1_000_001)).toBe(0);
  });
});
