import { expect, test } from '@jest/globals';

import { publishMsOf } from '../src/publish-deadline-policy.ts';

test.each([
  ['at once', 0, 3_000],
  ['after a while', 1_500, 1_500],
  ['at the bound', 2_000, 1_000],
  ['beyond it', 2_001, 1_000],
  ['after a minute of receiving the body', 60_000, 1_000],
  ['by a clock that went back', -5, 3_000],
])('what is left for Kafka %s', (_when, elapsedMs, leftMs) => {
  expect(publishMsOf(elapsedMs)).toBe(leftMs);
});
