import { describe, expect, test } from '@jest/globals';
import { createBlock } from '../../src/native/block.ts';

/** The bytes of a block of one column, without its header. */
function valuesOf(type: string, values: readonly unknown[]): Buffer {
  const block = createBlock<{ c: unknown }>([{ name: 'c', type }]);
  for (const value of values) block.append({ c: value });
  return Buffer.concat(block.chunks().slice(2));
}

const text = (value: string): Buffer => Buffer.from(value);
const uint64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};

describe('a block', () => {
  test('begins with its columns and rows, and each column with name and type', () => {
    const block = createBlock<{ a: string; b: number }>([
      { name: 'a', type: 'LowCardinality(String)' },
      { name: 'b', type: 'UInt16' },
    ]);
    block.append({ a: 'x', b: 258 });
    block.append({ a: '', b: 0 });
    expect(Buffer.concat(block.chunks())).toEqual(
      Buffer.concat([
        Buffer.from([2, 2]),
        Buffer.from([1]),
        text('a'),
        Buffer.from([6]),
        text('String'),
        Buffer.from([1]),
        text('x'),
        Buffer.from([0]),
        Buffer.from([1]),
        text('b'),
        Buffer.from([6]),
        text('UInt16'),
        Buffer.from([2, 1, 0, 0]),
      ]),
    );
    expect(block.rows).toBe(2);
    expect(block.bytes).toBe(7);
  });

  test('is empty after clear, and array ends count anew', () => {
    const block = createBlock<{ c: string[] }>([{ name: 'c', type: 'Array(String)' }]);
    block.append({ c: ['x', 'y'] });
    block.clear();
    expect([block.rows, block.bytes]).toEqual([0, 0]);
    block.append({ c: ['z'] });
    expect(Buffer.concat(block.chunks().slice(2))).toEqual(Buffer.concat([uint64(1n), Buffer.from([1]), text('z')]));
  });

  test('is refused beyond 1,000,000 rows', () => {
    const block = createBlock<{ c: number }>([{ name: 'c', type: 'UInt16' }]);
    for (let row = 0; row < 1_000_000; row++) block.append({ c: 1 });
    expect(() => block.append({ c: 1 })).toThrow(RangeError);
  });
});

describe('values', () => {
  test.each([0, 1, 41, 42, 43, 127, 128, 129, 16_383, 16_384, 300 * 1024])(
    'a String of %i ASCII characters',
    (length) => {
      const value = 'x'.repeat(length);
      expect(valuesOf('String', [value])).toEqual(Buffer.concat([varUInt(length), text(value)]));
    },
  );

  test.each([1, 42, 43, 5_000])('a String of %i characters of three bytes', (length) => {
    const value = '€'.repeat(length);
    expect(valuesOf('String', [value])).toEqual(Buffer.concat([varUInt(3 * length), text(value)]));
  });

  test('a short String that stops being ASCII late', () => {
    expect(valuesOf('String', ['Jane Doe é'])).toEqual(Buffer.concat([Buffer.from([11]), text('Jane Doe é')]));
  });

  test.each(['a\ud800b', `${'x'.repeat(60)}\udc00`])('a lone surrogate becomes U+FFFD', (value) => {
    const expected = text(value.replaceAll(/\p{Surrogate}/gu, '\ufffd'));
    expect(valuesOf('String', [value])).toEqual(Buffer.concat([varUInt(expected.length), expected]));
  });

  test('a String given as bytes stays as it is', () => {
    expect(valuesOf('String', [Uint8Array.of(0, 255, 254)])).toEqual(Buffer.from([3, 0, 255, 254]));
  });

  test('a UUID is two little-endian halves', () => {
    const expected = Buffer.from('7766554433221100ffeeddccbbaa9988', 'hex');
    expect(valuesOf('UUID', ['00112233-4455-6677-8899-AABBccddeeff'])).toEqual(expected);
  });

  test.each([0n, 1n, 2n ** 53n - 1n, -1n, -(2n ** 40n) - 7n])('a DateTime64 of %i ticks', (ticks) => {
    expect(valuesOf('DateTime64(6)', [Number(ticks)])).toEqual(uint64(ticks));
  });

  test('a UInt64 from number or bigint', () => {
    expect(valuesOf('UInt64', [5, 2n ** 64n - 1n])).toEqual(Buffer.concat([uint64(5n), Buffer.alloc(8, 0xff)]));
  });

  test('UInt16 and UInt32 at their bounds', () => {
    expect(valuesOf('UInt16', [0, 65_535])).toEqual(Buffer.from([0, 0, 255, 255]));
    expect(valuesOf('UInt32', [0, 4_294_967_295])).toEqual(Buffer.from([0, 0, 0, 0, 255, 255, 255, 255]));
  });

  test('an Array(Nullable(String)) has ends, nulls, values', () => {
    expect(valuesOf('Array(Nullable(String))', [['a', null], [], ['b']])).toEqual(
      Buffer.concat([uint64(2n), uint64(2n), uint64(3n), Buffer.from([0, 1, 0]), Buffer.from([1, 0x61, 0, 1, 0x62])]),
    );
  });

  test('an Array(Map(String,String)) has the ends of both', () => {
    expect(valuesOf('Array(Map(String,String))', [[{ k: 'v' }, {}], [{ a: 'b', c: 'd' }]])).toEqual(
      Buffer.concat([
        uint64(2n),
        uint64(3n),
        uint64(1n),
        uint64(1n),
        uint64(3n),
        text('\u0001k\u0001a\u0001c'),
        text('\u0001v\u0001b\u0001d'),
      ]),
    );
  });

  test.each([
    ['String', 5],
    ['String', null],
    ['UUID', 'x'],
    ['UUID', 'zz112233-4455-6677-8899-aabbccddeeff'],
    ['UUID', '00112233-4455-6677-8899-aabbccddeef\u0161'],
    ['UInt16', 65_536],
    ['UInt16', -1],
    ['UInt32', 4_294_967_296],
    ['UInt64', -1],
    ['UInt64', 2n ** 64n],
    ['UInt64', 1.5],
    ['DateTime64(3)', Number.NaN],
    ['FixedString(16)', new Uint8Array(15)],
    ["Enum8('a'=1)", 'b'],
    ['Array(String)', 'ab'],
    ['Map(String,String)', ['a']],
    ['Map(String,String)', { a: 1 }],
  ])('%s refuses %p', (type, value) => {
    expect(() => valuesOf(type, [value])).toThrow();
  });
});

function varUInt(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
