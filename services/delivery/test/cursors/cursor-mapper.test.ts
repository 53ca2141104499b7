import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  cursorBytes,
  firstCursor,
  inGeneration,
  laterCursor,
  parseCursor,
  toldSeq,
} from '../../src/cursors/cursor-mapper.ts';
import type { Cursor } from '../../src/cursors/cursor-mapper.ts';
import { noticeKinds, untoldMax } from '../../src/notices/notice-mapper.ts';
import { noneSkipped, sumSkipped } from '../../src/batches/skipped-counts.ts';

const small = fc.nat({ max: 3 });
const anyCursor: fc.Arbitrary<Cursor> = fc.record({
  reset: small,
  seq: small,
  offset: fc.option(fc.integer({ min: -1, max: 3 })),
  generation: fc.integer({ min: 1, max: 2 }),
  eventSeq: small,
  passed: fc.record({ filtered: small, expired: small }).map((counts) => ({ ...noneSkipped, ...counts })),
  state: fc.constantFrom('active', 'failing', 'suspended'),
  suspendedVersion: fc.string(),
  resumeId: fc.string(),
  movedBack: fc.option(
    fc.record({ fromSeq: small, toSeq: small, atMs: fc.integer({ min: 0, max: 4_000_000_000_000 }) }),
  ),
  failingSinceMs: fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 })),
  toldAtMs: fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 })),
  lastError: fc.string(),
  untold: fc.array(
    fc.record({
      kind: fc.constantFrom(...noticeKinds),
      sinceMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
      error: fc.string(),
      atMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    }),
    { maxLength: untoldMax },
  ),
  noticed: fc.constantFrom('none', 'failing', 'suspended'),
  noticedAtMs: fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 })),
});
const cursors = anyCursor.filter(({ seq, passed }) => sumSkipped(passed) <= seq);

describe('a cursor', () => {
  test('comes out of its record as it went in', () => {
    fc.assert(fc.property(cursors, (cursor) => expect(parseCursor(cursorBytes(cursor))).toEqual(cursor)));
  });

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"version":2}',
    '{"version":1,"reset":0,"seq":-1}',
    '{"version":1,"reset":0,"seq":1.5}',
    '{"version":1,"reset":0,"seq":1,"offset":null,"generation":1,"event_seq":0,"state":"active","passed":{"filtered":2}}',
  ])('is not read from %j', (text) => expect(parseCursor(Buffer.from(text))).toBeUndefined());

  test('I6: the order in which cursors are seen does not matter for where a subscription stands', () => {
    fc.assert(
      fc.property(fc.array(cursors, { minLength: 1, maxLength: 6 }), (seen) => {
        const last = seen.reduce<Cursor | undefined>((known, cursor) => laterCursor(known, cursor), undefined);
        const reset = Math.max(...seen.map((cursor) => cursor.reset));
        const seq = Math.max(...seen.filter((cursor) => cursor.reset === reset).map((cursor) => cursor.seq));
        expect({ reset: last?.reset, seq: last?.seq }).toEqual({ reset, seq });
      }),
    );
  });

  test('of two cuts for the same place the farther one is kept; one of another generation says nothing', () => {
    const at = firstCursor(5, 1);
    expect(laterCursor({ ...at, offset: 9 }, { ...at, offset: 7 }).offset).toBe(9);
    expect(laterCursor({ ...at, offset: 9 }, { ...at, offset: null }).offset).toBe(9);
    expect(laterCursor({ ...at, offset: 9 }, { ...at, seq: 6, offset: null }).offset).toBeNull();
    expect(laterCursor({ ...at, offset: 9 }, { ...at, offset: 7, generation: 2 }).offset).toBe(7);
    expect(inGeneration({ ...at, offset: 9 }, 2)).toEqual({ ...at, offset: null });
    expect(inGeneration({ ...at, offset: 9 }, 1).offset).toBe(9);
  });

  test('what was passed without a batch is kept with it; a record from before there was such has passed nothing', () => {
    const cursor = { ...firstCursor(50, 1), passed: { ...noneSkipped, filtered: 20 } };
    expect(toldSeq(parseCursor(cursorBytes(cursor)) ?? firstCursor(0, 1))).toBe(30);
    const { passed: _, ...older } = JSON.parse(cursorBytes(cursor).toString()) as Record<string, unknown>;
    expect(parseCursor(Buffer.from(JSON.stringify(older)))).toEqual(firstCursor(50, 1));
  });

  test('a new subscription is cut before the first record only when it begins there', () => {
    expect(firstCursor(0, 1).offset).toBe(-1);
    expect(firstCursor(1, 1).offset).toBeNull();
    expect(firstCursor(0, 2).offset).toBeNull();
  });
});
