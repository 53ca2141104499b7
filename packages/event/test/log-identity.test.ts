import { describe, expect, test } from '@jest/globals';
import { isTenantId, logOf, partitionOf } from '../src/index.ts';

// From Kafka's own UtilsTest: murmur2 of these keys.
const murmur2Vectors: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('partitionOf', () => {
  test.each(murmur2Vectors)('agrees with the Java client for %s', (key, hash) => {
    for (const partitions of [1, 4, 12, 2 ** 31 - 1]) {
      expect(partitionOf(key, partitions)).toBe((hash & 0x7fffffff) % partitions);
    }
  });
});

describe('logOf', () => {
  const home = partitionOf('acme', 12);
  const elsewhere = (home + 1) % 12;
  test.each([
    ['a tenant on its partition', Buffer.from('acme'), home, 'acme'],
    ['a tenant on another partition', Buffer.from('acme'), elsewhere, `!p${elsewhere}`],
    ['no key', null, 3, '!p3'],
    ['an empty key', Buffer.alloc(0), 3, '!p3'],
    ['a key outside the alphabet', Buffer.from('a b'), 3, '!p3'],
    ['a key that imitates a stray log', Buffer.from('!p3'), 3, '!p3'],
    ['a key of 129 characters', Buffer.alloc(129, 'a'), 3, '!p3'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe]), 3, '!p3'],
  ])('I3: %s', (_name, key, partition, log) => {
    expect(logOf(key, partition, 12)).toBe(log);
  });

  test('a tenant id has 1 to 128 characters of its alphabet', () => {
    expect([1, 128].map((length) => isTenantId('a'.repeat(length)))).toEqual([true, true]);
    expect([0, 129].map((length) => isTenantId('a'.repeat(length)))).toEqual([false, false]);
    expect(['A.b_c:d-9', 'a\n', 'ä', 'a/b', '!p1'].map(isTenantId)).toEqual([true, false, false, false, false]);
  });
});
