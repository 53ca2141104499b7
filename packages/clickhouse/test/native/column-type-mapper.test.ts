import { describe, expect, test } from '@jest/globals';
import { parseNativeType, wireTypeOf } from '../../src/native/column-type-mapper.ts';

describe('wireTypeOf', () => {
  test.each([
    ['String', 'String'],
    ['LowCardinality(String)', 'String'],
    ['Map(LowCardinality(String), String)', 'Map(String, String)'],
    ['Array(LowCardinality(String))', 'Array(String)'],
    ['Array(Map(LowCardinality(String), LowCardinality(FixedString(3))))', 'Array(Map(String, FixedString(3)))'],
    ["Enum8('LowCardinal' = 1)", "Enum8('LowCardinal' = 1)"],
  ])('%s is sent as %s', (table, wire) => {
    expect(wireTypeOf(table)).toBe(wire);
  });
});

describe('parseNativeType', () => {
  test('reads nested types, spaces or not', () => {
    const text = { kind: 'String' };
    expect(parseNativeType('Array(Map(String,String))')).toEqual({
      kind: 'Array',
      of: { kind: 'Map', key: text, value: text },
    });
    expect(parseNativeType('Array(Map(String, String))')).toEqual(parseNativeType('Array(Map(String,String))'));
    expect(parseNativeType('Array(Nullable(String))')).toEqual({ kind: 'Array', of: { kind: 'Nullable', of: text } });
    expect(parseNativeType('FixedString(16)')).toEqual({ kind: 'FixedString', bytes: 16 });
    expect(parseNativeType("DateTime64(6,'UTC')")).toEqual({ kind: 'DateTime64' });
  });

  test('reads the names and numbers of an Enum8', () => {
    expect(parseNativeType("Enum8('accepted'=1, 'lost' = 6, 'odd'=-1)")).toEqual({
      kind: 'Enum8',
      values: new Map([
        ['accepted', 1],
        ['lost', 6],
        ['odd', -1],
      ]),
    });
  });

  test.each(['Float64', 'Tuple(String)', 'Map(String)', 'Array(String'])(
    'refuses %s when the service starts, not at the first row',
    (type) => {
      expect(() => parseNativeType(type)).toThrow();
    },
  );
});
