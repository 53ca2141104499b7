import { expect, test } from '@jest/globals';
import { createLineAllowance } from '../src/line-allowance.ts';

test('so many lines of each kind a second, and the next one says how many were left out', () => {
  const allowance = createLineAllowance<string>(2);
  const taken = [0, 1, 2, 999, 1_000, 1_001, 1_002].map((nowMs) => allowance.take('a', nowMs));
  expect(taken).toEqual([0, 0, undefined, undefined, 2, 0, undefined]);
  expect(allowance.take('b', 1_003)).toBe(0);
  expect(allowance.take('a', 60_000)).toBe(1);
});
