import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { parseRetryAfter, readRetryDelayMs, retryDelayMs, retryLimits } from '../../src/machine/retry-policy.ts';

const minute = 60_000;
const failure = { outcome: 'retry', failures: 1, failingForMs: 0, retryAfterMs: null, jitter: 0.999_999 } as const;

describe('how long to wait', () => {
  test.each([
    ['the first failure', { failures: 1 }, 1_000],
    ['the second', { failures: 2 }, 2_000],
    ['the fourth', { failures: 4 }, 8_000],
    ['the fifth: the cap of a fresh outage', { failures: 5 }, 15_000],
    ['the hundredth within ten minutes', { failures: 100, failingForMs: 10 * minute }, 15_000],
    ['the hundredth after ten minutes', { failures: 100, failingForMs: 10 * minute + 1 }, 5 * minute],
    ['a refusal', { outcome: 'misconfigured' as const }, 15_000],
    ['the fifth refusal', { outcome: 'misconfigured' as const, failures: 5 }, 4 * minute],
    ['the tenth refusal', { outcome: 'misconfigured' as const, failures: 10 }, 5 * minute],
  ])('%s: below its cap', (_name, change, capMs) => {
    const longest = retryDelayMs({ ...failure, ...change });
    expect(longest).toBeLessThanOrEqual(capMs);
    expect(longest).toBeGreaterThan(capMs * 0.99);
    expect(retryDelayMs({ ...failure, ...change, jitter: 0 })).toBe(retryLimits.leastMs);
  });

  test('Retry-After is the least, up to an hour', () => {
    expect(retryDelayMs({ ...failure, retryAfterMs: 20_000 })).toBe(20_000);
    expect(retryDelayMs({ ...failure, retryAfterMs: 10 })).toBeGreaterThan(900);
    expect(retryDelayMs({ ...failure, retryAfterMs: 25 * 60 * minute })).toBe(60 * minute);
  });

  test('is always a sane number, however long it has lasted', () => {
    const failures = fc.record({
      outcome: fc.constantFrom('retry' as const, 'misconfigured' as const),
      failures: fc.integer({ min: 1, max: 1_000_000 }),
      failingForMs: fc.integer({ min: -1_000, max: 1e12 }),
      retryAfterMs: fc.option(fc.nat()),
      jitter: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
    });
    fc.assert(
      fc.property(failures, (one) => {
        const delayMs = retryDelayMs(one);
        expect(Number.isSafeInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(retryLimits.leastMs);
        expect(delayMs).toBeLessThanOrEqual(retryLimits.retryAfterCapMs);
      }),
    );
  });

  test('reading again: doubling to 15 s', () => {
    expect([1, 2, 3, 6, 1_000].map((failures) => readRetryDelayMs(failures, 0.999_999))).toEqual([
      499, 999, 1_999, 14_999, 14_999,
    ]);
    expect(readRetryDelayMs(1, 0)).toBe(250);
  });
});

test.each([
  ['120', 120_000],
  [' 0 ', 0],
  ['Mon, 23 Nov 2026 09:00:10 GMT', 10_000],
  ['Mon, 23 Nov 2026 08:00:00 GMT', 0],
  ['soon', null],
  ['-5', null],
  [undefined, null],
])('Retry-After %j', (header, expected) => {
  const nowMs = Date.UTC(2026, 10, 23, 9);
  if (header === '-5') return expect(parseRetryAfter(header, nowMs)).not.toBeGreaterThan(0);
  expect(parseRetryAfter(header, nowMs)).toBe(expected);
});
