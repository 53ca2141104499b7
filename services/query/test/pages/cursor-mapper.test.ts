import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeCursor, encodeCursor, fingerprintOf } from '../../src/pages/cursor-mapper.ts';
import { parseFilter } from '../parameters.ts';

const position = { occurredAt: -1_234_567, id: '0199f3c2-0000-7000-8000-00000000000a', seq: 7 };
const cursor = { fingerprint: 'f', nowMicros: 1_764_000_000_000_000, position };

describe('a cursor', () => {
  test('comes back as it was made', () => {
    expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
  });

  const forged = (parts: unknown): string => JSON.stringify(parts);
  test.each([
    '',
    'x',
    '%%%',
    forged(null),
    forged({}),
    forged([]),
    forged([1, 'f', 1, position.id, 1]),
    forged([2, 'f', 1, 1.5, position.id, 1]),
    forged([2, 'f', 1, '1', position.id, 1]),
    forged([2, 'f', '1', 1, position.id, 1]),
    forged([2, 7, 1, 1, position.id, 1]),
    forged([2, 'f', 1, 1, "x' OR 1=1", 1]),
    forged([2, 'f', 1, 1, position.id, -1]),
    forged([2, 'f', 1, 1, position.id, 1, 'more']),
  ])('that is not ours is refused: %s', (text) => {
    expect(decodeCursor(Buffer.from(text))).toBeNull();
  });

  test('never throws, whatever is sent', () => {
    fc.assert(fc.property(fc.string(), (text) => decodeCursor(Buffer.from(text)) === null));
  });
});

describe('fingerprintOf', () => {
  const of = (query: string, tenant = 'acme'): string =>
    fingerprintOf({ ...parseFilter(query).scoped, tenantId: tenant });

  test('differs by tenant and by every filter, not by how they were written', () => {
    expect(of('actor_id=a')).not.toBe(of('actor_id=b'));
    expect(of('actor_id=a')).not.toBe(of('actor_id=a', 'other'));
    expect(of('actor_id=a')).not.toBe(of('actor_id=a&status=duplicate'));
    expect(of('since=2026-11-23T10:00:00Z')).not.toBe(of('until=2026-11-23T10:00:00Z'));
    expect(of('actor_id=a&severity=low')).toBe(of('severity=low&actor_id=a'));
    expect(of('actor_id=a&severity=low')).toBe(of('q=severity:low actor:a'));
  });
});
