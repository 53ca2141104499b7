import { describe, expect, test } from '@jest/globals';

import { cursorBytes, firstCursor } from '../../src/cursors/cursor-mapper.ts';
import { createKnownCursors } from '../../src/cursors/known-cursors.ts';

const at = (seq: number, reset = 0) => ({ ...firstCursor(0, 1), seq, reset });
const bytesAt = (seq: number, reset = 0): Buffer => cursorBytes(at(seq, reset));
/** As a later version might write it. */
const laterBytesAt = (seq: number, reset = 0): Buffer => Buffer.from(JSON.stringify({ version: 2, reset, seq }));
const spoilt = Buffer.from('spoilt by hand');

describe('a cursor that cannot be read', () => {
  test.each([
    ['of a later version', laterBytesAt(5), { reset: 0, seq: 5 }],
    ['spoilt', spoilt, { reset: 0, seq: 0 }],
  ])('%s: is not taken for none', (_name, bytes, place) => {
    const cursors = createKnownCursors();
    expect(cursors.read('sub', bytes)).toBe(false);
    expect([cursors.get('sub'), cursors.unreadable('sub'), cursors.unreadableCount()]).toEqual([undefined, place, 1]);
    cursors.delete('sub');
    expect([cursors.unreadable('sub'), cursors.unreadableCount()]).toEqual([undefined, 0]);
  });

  test.each([
    [4, 0, true],
    [5, 0, false],
    [6, 0, false],
    [1, 1, false],
  ])('is in the way until a readable one is as far: seq %i, reset %i: %p', (seq, reset, isUnreadable) => {
    const order = [laterBytesAt(5), bytesAt(seq, reset)];
    const cursors = createKnownCursors();
    expect(order.map((bytes) => cursors.read('sub', bytes))).toEqual([false, true]);
    expect(cursors.unreadable('sub') !== undefined).toBe(isUnreadable);
    expect(cursors.get('sub')).toEqual(at(seq, reset));
  });

  test('takes nothing from what is known to be as far: an acknowledgement is true for ever', () => {
    for (const bytes of [spoilt, laterBytesAt(4), laterBytesAt(5)]) {
      const cursors = createKnownCursors();
      cursors.put('sub', at(5));
      expect(cursors.read('sub', bytes)).toBe(false);
      expect(cursors.unreadable('sub')).toBeUndefined();
    }
    const cursors = createKnownCursors();
    cursors.put('sub', at(5));
    cursors.read('sub', laterBytesAt(6));
    expect(cursors.unreadable('sub')).toEqual({ reset: 0, seq: 6 });
    cursors.read('sub', spoilt);
    expect(cursors.unreadable('sub')).toEqual({ reset: 0, seq: 6 });
  });
});
