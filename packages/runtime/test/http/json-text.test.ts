import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { DocketError, jsonDepthMax, jsonMembersMax, jsonValuesMax, parseJson } from '../../src/index.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** A list of lists, with so many values in all: each list counts, and each comma. */
function lists(values: number): string {
  const inner = `[0${',0'.repeat(98)}]`;
  const lastItems = (values % 100) + 98;
  const last = `[0${',0'.repeat(lastItems)}]`;
  return `[${`${inner},`.repeat(Math.floor(values / 100) - 1)}${last}]`;
}

describe('parseJson', () => {
  test('parses what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(parseJson(bytes(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'is empty'],
    ['half a document', bytes('{"a":'), 'not a JSON document'],
    ['two documents', bytes('{} {}'), 'not a JSON document'],
    ['NaN', bytes('NaN'), 'not a JSON document'],
    ['a comment', bytes('{}//'), 'not a JSON document'],
    ['Latin-1', Buffer.from([0x22, 0xe9, 0x22]), 'not valid UTF-8'],
    ['an unpaired surrogate in CESU', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not valid UTF-8'],
    ['too deep a nesting', bytes(nested(jsonDepthMax + 1)), 'nests deeper'],
    ['endless brackets', bytes('['.repeat(5_000_000)), 'nests deeper'],
    ['a member too many', bytes(`[0${',0'.repeat(jsonMembersMax)}]`), 'more than 10000 members'],
    ['too much in small lists', bytes(lists(jsonValuesMax)), 'more than 250000 members and items'],
    ['a key twice', bytes('{"a":1,"b":{"a":1},"a":2}'), 'a key twice (at character 19)'],
    ['a key twice, written differently', bytes('{"a":1,"\\u0061":2}'), 'a key twice (at character 7)'],
    ['__proto__ twice', bytes('[{"__proto__":1,"__proto__":2}]'), 'a key twice (at character 16)'],
  ])('refuses %s', (_name, body, detail) => {
    expect(() => parseJson(body)).toThrow(DocketError);
    expect(() => parseJson(body)).toThrow(detail);
  });

  test('never repeats the body in its message', () => {
    expect(() => parseJson(bytes('{"password": hunter2}'))).toThrow(
      expect.objectContaining({ code: 'invalid_json', message: expect.not.stringContaining('hunter2') }),
    );
  });

  test('counts depth outside strings only, to the bound exactly', () => {
    expect(parseJson(bytes(nested(jsonDepthMax)))).toBeInstanceOf(Array);
    expect(parseJson(bytes(JSON.stringify(`\\"${'['.repeat(500)}`)))).toBe(`\\"${'['.repeat(500)}`);
    expect(parseJson(bytes(JSON.stringify(['\\', '{'.repeat(500)])))).toEqual(['\\', '{'.repeat(500)]);
  });

  test('takes as many members as are allowed, and equal keys of different objects', () => {
    expect(parseJson(bytes(`[0${',0'.repeat(jsonMembersMax - 1)}]`))).toHaveLength(jsonMembersMax);
    expect(parseJson(bytes(lists(jsonValuesMax - 1)))).toHaveLength(jsonValuesMax / 100 - 1);
    expect(parseJson(bytes('[{"a":":,{"},{"a":{"a":1}}]'))).toEqual([{ a: ':,{' }, { a: { a: 1 } }]);
  });

  test('finds every repeated key, wherever it stands', () => {
    const key = fc.constantFrom('a', '"', '\\', '{', ':', ',', '__proto__', '\u{1f600}');
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 12 }), fc.boolean(), (keys, isNested) => {
        const object = `{${keys.map((name) => `${JSON.stringify(name)}:[":"]`).join(',')}}`;
        const text = isNested ? `{"x":[${object}]}` : object;
        if (new Set(keys).size === keys.length) expect(() => parseJson(bytes(text))).not.toThrow();
        else expect(() => parseJson(bytes(text))).toThrow(/a key twice \(at character \d+\)/);
      }),
    );
  });

  test('keeps __proto__ as a plain member', () => {
    const value = parseJson(bytes('{"__proto__": {"polluted": true}}'));
    expect(Object.keys(Object(value))).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});
