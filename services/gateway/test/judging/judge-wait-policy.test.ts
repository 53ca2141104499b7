import { expect, test } from '@jest/globals';

import { isTooLate } from '../../src/judging/judge-wait-policy.ts';

test.each([
  ['at once', 0, 10, false],
  ['at the bound of the wait', 1_500, 1_600, false],
  ['beyond it', 1_501, 1_600, true],
  ['after a slow arrival, with nobody else there', 50, 60_000, false],
  ['after a slow arrival, in a crowd', 101, 2_001, true],
  ['in a crowd, at the bound', 101, 2_000, false],
])('a body whose turn comes %s', (_when, waitedMs, sinceBeginMs, isLate) => {
  expect(isTooLate(waitedMs, sinceBeginMs)).toBe(isLate);
});
