import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeCursor, encodeCursor, fingerprintOf } from '../src/cursor-mapper.ts';
import { parseFilter } from './parameters.ts';

const position = { occurredAt: -1_234_567, id: '0199f3c2-0000-7000-8000-00000000000a', seq: 7 };

describe('a cursor', () => {
  test('comes back as it was made', () => {
    expect(decodeCursor(encodeCursor(position, 'f'), 'f')).toEqual({ ok: true, position });
  });

  test('of another search is refused', () => {
    expect(decodeCursor(encodeCursor(position, 'f'), 'g')).toEqual({
      ok: false,
      detail: expect.stringContaining('other filters'),
    });
  });

  const forged = (parts: unknown): string => Buffer.from(JSON.stringify(parts)).toString('base64url');
  test.each([
    '',
    'x',
    '%%%',
    forged(null),
    forged({}),
    forged([]),
    forged([2, 'f', 1, position.id, 1]),
    forged([1, 'f', 1.5, position.id, 1]),
    forged([1, 'f', '1', position.id, 1]),
    forged([1, 'f', 1, "x' OR 1=1", 1]),
    forged([1, 'f', 1, position.id, -1]),
    forged([1, 'f', 1, position.id, 1, 'more']),
  ])('that is not ours is refused: %s', (text) => {
    expect(decodeCursor(text, 'f')).toEqual({ ok: false, detail: 'The cursor is not one of ours.' });
  });

  test('never throws, whatever is sent', () => {
    fc.assert(fc.property(fc.string(), (text) => !decodeCursor(text, 'f').ok));
  });
});

describe('fingerprintOf', () => {
  const of = (query: string, tenant = 'acme'): string => fingerprintOf(tenant, parseFilter(query).filter);

  test('differs by tenant and by every filter, not by the order of parameters', () => {
    expect(of('actor_id=a')).not.toBe(of('actor_id=b'));
    expect(of('actor_id=a')).not.toBe(of('actor_id=a', 'other'));
    expect(of('actor_id=a')).not.toBe(of('actor_id=a&status=duplicate'));
    expect(of('since=2026-11-23T10:00:00Z')).not.toBe(of('until=2026-11-23T10:00:00Z'));
    expect(of('actor_id=a&severity=low')).toBe(of('severity=low&actor_id=a'));
  });
});
