import { expect, test } from '@jest/globals';
import { validate, version } from 'uuid';

import { isEventId, newEventId } from '../src/index.ts';

test('ids are UUIDs of version 7, each after the one before, also many in one millisecond', () => {
  const beganMs = Date.now();
  const ids = Array.from({ length: 50_000 }, newEventId);
  const endedMs = Date.now();
  expect(ids.every((id) => isEventId(id) && validate(id) && version(id) === 7)).toBe(true);
  expect(ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? ''))).toBe(true);
  const times = ids.map((id) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));
  expect(times[0]).toBeGreaterThanOrEqual(beganMs);
  // A millisecond has room for 2,048 at least: what is more runs ahead of the clock.
  expect(times.at(-1)).toBeLessThanOrEqual(endedMs + 50_000 / 2_048);
});

test('no two ids end alike, and every bit of their random part is now 0, now 1', () => {
  const tails = Array.from({ length: 10_000 }, () => newEventId().replaceAll('-', '').slice(16));
  expect(new Set(tails).size).toBe(tails.length);
  const bits = tails.map((tail) => BigInt(`0x${tail}`));
  // The variant takes the two highest bits.
  for (let bit = 0n; bit < 62n; bit += 1n) {
    const ones = bits.filter((value) => ((value >> bit) & 1n) === 1n).length;
    expect(Math.abs(ones - 5_000)).toBeLessThan(500);
  }
});
