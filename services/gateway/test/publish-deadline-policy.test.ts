import { expect, test } from '@jest/globals';

import { publishMsOf } from '../src/publish-deadline-policy.ts';

test.each([
  ['at once', 0, 4_000],
  ['after a while', 1_500, 2_500],
  ['at the bound', 2_000, 2_000],
  ['beyond it', 2_001, 2_000],
  ['after a minute of receiving the body', 60_000, 2_000],
  ['by a clock that went back', -5, 4_000],
])('what is left for Kafka %s', (_when, elapsedMs, leftMs) => {
  expect(publishMsOf(elapsedMs)).toBe(leftMs);
});
