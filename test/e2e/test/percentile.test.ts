import { expect, test } from '@jest/globals';
import { percentile } from '../src/percentile.ts';

test.each([
  [[], 50, Number.NaN],
  [[7], 99, 7],
  [[3, 1, 2], 50, 2],
  [[4, 3, 2, 1], 50, 2],
  [Array.from({ length: 100 }, (_, i) => i + 1), 99, 99],
])('of %j the %i. is %d', (values, percent, expected) => {
  expect(percentile(values, percent)).toBe(expected);
});
