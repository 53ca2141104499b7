import { expect, test } from '@jest/globals';
import {
  afterHeldText,
  afterPlaceText,
  entriesFrom,
  entriesTo,
  entryKeyText,
  heldFrom,
  heldKeyText,
  heldTo,
  parseEntryKey,
  parseHeldKey,
} from '../../src/spool/spool-key-mapper.ts';

const greatest = Number.MAX_SAFE_INTEGER;

test.each([
  [0, 0],
  [1, 500],
  [9_999_999, 10_000_000],
  [greatest, greatest],
])('the key of place %i at byte %i reads back', (place, startByte) => {
  expect(parseEntryKey(entryKeyText({ place, startByte }))).toEqual({ place, startByte });
});

test('keys are ordered by place, and a place ends behind its key and before the next', () => {
  const places = [0, 1, 2, 9, 10, 99, 100, 123_456_789, greatest - 1, greatest];
  const keys = places.map((place) => entryKeyText({ place, startByte: greatest - place }));
  expect(keys.toSorted()).toEqual(keys);
  for (const [index, place] of places.entries()) {
    const [key = '', next = entriesTo] = keys.slice(index);
    expect(entriesFrom < key && key < afterPlaceText(place) && afterPlaceText(place) < next).toBe(true);
  }
});

test('what is no key is not read as one', () => {
  expect(() => parseEntryKey('m!head')).toThrow('no key');
});

test.each(['acme', 'a!b"~', '\u{1f600}', ''])(
  'an event held back of the tenant %j is found among those of others, in order',
  (tenantId) => {
    const key = heldKeyText(tenantId, 12);
    expect(parseHeldKey(key)).toEqual({ tenantId, place: 12 });
    expect(heldFrom < key && key < afterHeldText(tenantId, 12) && afterHeldText(tenantId, 12) < heldTo).toBe(true);
    expect(afterHeldText(tenantId, 12) < heldKeyText(tenantId, 13)).toBe(true);
    for (const other of ['acme', 'acmf', 'a', `${tenantId}!`, `${tenantId}"`].filter((one) => one !== tenantId)) {
      const isWithin =
        heldKeyText(other, 5) > heldKeyText(tenantId, 0) && heldKeyText(other, 5) < afterHeldText(tenantId, 99);
      expect(isWithin).toBe(false);
    }
  },
);
