import { expect, test } from '@jest/globals';

import { proofAtMs } from '../../src/machine/proof-policy.ts';

const given = { toldAtMs: 5_000, intervalMs: 100_000, nowMs: 10_000, jitter: 0 };

test.each([
  ['an interval after it was told', {}, 105_000],
  ['and up to a tenth later', { jitter: 0.5 }, 110_000],
  ['an interval from now when it was never told', { toldAtMs: null }, 110_000],
  ['an interval from now when it was told in times to come, by a clock that was wrong', { toldAtMs: 1e15 }, 110_000],
  ['overdue: soon, never at once', { nowMs: 500_000 }, 501_000],
  ['overdue after a restart: spread', { nowMs: 500_000, jitter: 0.9 }, 510_000],
  ['never', { intervalMs: 0 }, null],
])('%s', (_name, change, expected) => expect(proofAtMs({ ...given, ...change })).toBe(expected));
