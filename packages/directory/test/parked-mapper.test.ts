import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { isAskedFor, mergedParked, parkedBytes, parkedKey, parseParked, parseParkedKey } from '../src/index.ts';
import type { ParkedEvent } from '../src/index.ts';

const listed: fc.Arbitrary<ParkedEvent> = fc.record({
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  error: fc.string(),
  answerExcerpt: fc.string(),
  parkedAtMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  asks: fc.nat(),
  refused: fc.nat(),
});
const parkedEvent: fc.Arbitrary<ParkedEvent> = fc.oneof(
  listed,
  listed.map((parked): ParkedEvent => ({ ...parked, isDismissed: true })),
);

describe('a parked event in the topic of the cursors', () => {
  test('is read as it was written', () => {
    fc.assert(fc.property(parkedEvent, (parked) => expect(parseParked(parkedBytes(parked))).toEqual(parked)));
  });

  test('its key tells subscription and seq, and is never that of a cursor', () => {
    expect(parseParkedKey(parkedKey('sub_1', 17))).toEqual({ subscriptionId: 'sub_1', seq: 17 });
    for (const key of ['sub_1', 'sub_1/parked/', 'sub_1/parked/0', 'sub_1/parked/x', '/parked/1', ''])
      expect(parseParkedKey(key)).toBeUndefined();
  });

  test.each(['', 'null', '[]', '{}', '{"version":2}', '{"version":1,"seq":-1}'])('%s is none', (text) => {
    expect(parseParked(Buffer.from(text))).toBeUndefined();
  });

  test('of two writers neither loses the count of the other, in whichever order they come', () => {
    const known: ParkedEvent = { seq: 7, error: 'old', answerExcerpt: '', parkedAtMs: 1, asks: 1, refused: 0 };
    const byAdmin = { ...known, asks: 2 };
    const byDelivery = { ...known, error: 'new', refused: 1 };
    const merged = { ...byDelivery, asks: 2 };
    expect(mergedParked(mergedParked(known, byAdmin), byDelivery)).toEqual(merged);
    expect(mergedParked(mergedParked(known, byDelivery), byAdmin)).toEqual(merged);
    expect(isAskedFor(merged)).toBe(true);
    expect(isAskedFor({ ...merged, refused: 2 })).toBe(false);
  });

  test('one that was dismissed stays so, whoever writes of it meanwhile, and is asked for no more', () => {
    const known: ParkedEvent = { seq: 7, error: 'old', answerExcerpt: '', parkedAtMs: 1, asks: 1, refused: 0 };
    const dismissed = { ...known, isDismissed: true } as const;
    const refusedAgain = { ...known, refused: 1 };
    expect(mergedParked(dismissed, refusedAgain)).toEqual({ ...refusedAgain, isDismissed: true });
    expect(mergedParked(refusedAgain, dismissed)).toEqual({ ...refusedAgain, isDismissed: true });
    expect(isAskedFor(dismissed)).toBe(false);
  });
});
