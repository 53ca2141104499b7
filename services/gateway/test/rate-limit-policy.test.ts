import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { fits, levelOf, quotaOf, rateLimitHeaders, secondsUntilFit, windowSeconds } from '../src/rate-limit-policy.ts';
import type { Standing } from '../src/rate-limit-policy.ts';

const limit = { eventsPerSecond: 10 };
const standing = (level: number, events: number, name: Standing['name'] = 'key'): Standing => ({
  name,
  limit,
  level,
  events,
  paidEvents: 0,
});

describe('a quota', () => {
  test('fills at its rate, up to ten seconds of it, and never when the clock goes back', () => {
    expect(levelOf(undefined, limit, 0)).toBe(100);
    expect(levelOf({ level: 0, atMs: 1_000 }, limit, 1_500)).toBe(5);
    expect(levelOf({ level: 0, atMs: 1_000 }, limit, 60_000)).toBe(100);
    expect(levelOf({ level: 7, atMs: 1_000 }, limit, 0)).toBe(7);
  });

  test.each([
    [10, 10, true],
    [9.9, 10, false],
    [0, 0, true],
    // More than the whole quota passes when it is whole.
    [100, 1_000, true],
    [99, 1_000, false],
  ])('%d left, %d asked: %p', (level, events, expected) => {
    expect(fits(standing(level, events))).toBe(expected);
  });

  test('after the seconds that it names, the same request fits', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5_000, max: 100 }), fc.integer({ min: 1, max: 1_000 }), (level, events) => {
        fc.pre(!fits(standing(level, events)));
        const seconds = secondsUntilFit(standing(level, events));
        expect(fits(standing(levelOf({ level, atMs: 0 }, limit, seconds * 1_000), events))).toBe(true);
        if (seconds > 1) {
          const sooner = levelOf({ level, atMs: 0 }, limit, (seconds - 1) * 1_000);
          expect(fits(standing(sooner, events))).toBe(false);
        }
      }),
    );
  });

  test('over any time no more passes than the rate, one window and one request', () => {
    const request = fc.record({ afterMs: fc.nat(3_000), events: fc.integer({ min: 1, max: 200 }) });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 50 }), (requests) => {
        let bucket = { level: quotaOf(limit), atMs: 0 };
        let nowMs = 0;
        let passed = 0;
        for (const { afterMs, events } of requests) {
          nowMs += afterMs;
          const level = levelOf(bucket, limit, nowMs);
          if (!fits(standing(level, events))) continue;
          bucket = { level: level - events, atMs: nowMs };
          passed += events;
        }
        expect(passed).toBeLessThanOrEqual((nowMs / 1_000 + windowSeconds) * limit.eventsPerSecond + 200);
      }),
    );
  });
});

describe('the headers', () => {
  test('tell quota, window, what is left after the request and when all of it is back', () => {
    expect(rateLimitHeaders([standing(50, 20)])).toEqual({
      'RateLimit-Policy': '"key";q=100;qu="events";w=10',
      RateLimit: '"key";r=30;t=7',
    });
  });

  test('of a refused request tell what is left without it', () => {
    expect(rateLimitHeaders([standing(-5, 1)])['RateLimit']).toBe('"key";r=0;t=11');
  });

  test('of several tenants tell the one with the least', () => {
    const told = rateLimitHeaders([standing(90, 1), standing(80, 1, 'tenant'), standing(20, 1, 'tenant')]);
    expect(told['RateLimit']).toBe('"key";r=89;t=2, "tenant";r=19;t=9');
    expect(rateLimitHeaders([])).toEqual({});
  });
});
