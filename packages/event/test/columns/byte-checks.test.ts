import { isUtf8 } from 'node:buffer';
import { isIP } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, validateEvent } from '../../src/index.ts';
import { bytePatternOf } from '../../src/columns/byte-patterns.ts';
import { isIpText } from '../../src/columns/ip-text.ts';
import { isJsonText } from '../../src/columns/json-text.ts';
import { utf8Characters } from '../../src/columns/utf8.ts';
import { eventDeclaration, type FieldDeclaration } from '../../src/field-declaration.ts';

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const ask = (check: (view: DataView, from: number, to: number) => boolean, text: string | Uint8Array): boolean => {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return check(viewOf(bytes), 0, bytes.length);
};

/** Bytes around the edges of UTF-8's table. */
const edges = '00 61 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ed ef f0 f3 f4 f5 ff';
const edgeBytes = fc.constantFrom(...Buffer.from(edges.replaceAll(' ', ''), 'hex'));

describe('UTF-8', () => {
  test('is what Node takes for it, and its characters are counted', () => {
    const bytes = fc.oneof(
      fc.array(edgeBytes, { maxLength: 6 }).map((list) => Uint8Array.from(list)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (found) => {
        const count = isUtf8(found) ? Array.from(Buffer.from(found).toString('utf8')).length : -1;
        expect(utf8Characters(viewOf(found), 0, found.length)).toBe(count);
      }),
      { numRuns: 20_000 },
    );
  });
});

function patternsIn({ pattern, propertyNames, properties, items }: FieldDeclaration): string[] {
  const inner = [...Object.values(properties ?? {}), ...(items === undefined ? [] : [items])];
  return [pattern, propertyNames?.pattern, ...inner.flatMap(patternsIn)].filter((found) => found !== undefined);
}

describe('every pattern of the declaration', () => {
  test.each([...new Set(patternsIn(eventDeclaration))])('%s asks bytes as it asks text', (pattern) => {
    const expression = new RegExp(pattern, 'u');
    const matches = bytePatternOf(pattern);
    const part = fc.constantFrom('a', 'Z', '0', '.', '_', '-', ':', ' ', '\n', 'é', '/', 'DE', 'x'.repeat(31), 'a.b');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        expect(ask(matches, parts.join(''))).toBe(expression.test(parts.join('')));
      }),
      { numRuns: 3000 },
    );
  });

  test('one of another shape has to be written first', () => {
    expect(() => bytePatternOf('^a|b$')).toThrow(/no byte form/);
  });
});

describe('addresses', () => {
  test('are what Node takes for them, without zones', () => {
    const part = fc.constantFrom('1', '255', '256', '01', '0', '.', '.', ':', '::', 'ffff', '%1', 'x', '1.2.3.4');
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (found) => expect(ask(isIpText, found)).toBe(isIP(found) !== 0 && !found.includes('%'))),
      { numRuns: 5000 },
    );
  });
});

/** What the slow path says to a change's value. */
function isTakenSlowly(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    const event = { tenant_id: 'a', action: 'a', actor: { type: 'a', id: 'a' }, changes: [{ path: 'p', new: value }] };
    return (
      validateEvent(event, 0, 0).length === 0 && Buffer.byteLength(canonicalJson(value)) <= Buffer.byteLength(text)
    );
  } catch {
    return false;
  }
}

describe('JSON text', () => {
  const signs = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '\n',
    '\ufeff',
    'true',
    'null',
    'nul',
    '{}',
    '[]',
    '{"a":1}',
    '[1,2]',
  ];
  const texts = ['"a"', '"\\u00e9"', '"\\ud800"', '"\\x"', '"', '"\t"', '"é€👩"'];
  const numbers = [
    '0',
    '-0',
    '01',
    '1.5',
    '1.',
    '-',
    '1e3',
    '1e400',
    '123456789012345',
    '9007199254740993',
    '1234567890123456789.5',
  ];
  const token = fc.constantFrom(...signs, ...texts, ...numbers);

  test('what it takes, the slow path takes too, and its canonical form is no longer', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 7 }), (tokens) => {
        if (!ask(isJsonText, tokens.join(''))) return;
        taken += 1;
        expect({ text: tokens.join(''), isTaken: isTakenSlowly(tokens.join('')) }).toMatchObject({ isTaken: true });
      }),
      { numRuns: 30_000 },
    );
    expect(taken).toBeGreaterThan(1000);
  });

  test('takes what JSON.stringify writes, unless a number has an exponent or very many digits', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        if (!/\de|\d{16}/u.test(text)) expect(ask(isJsonText, text)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    [32, true],
    [33, false],
  ])('nests %i deep: %p', (depth, isTaken) => {
    expect(ask(isJsonText, '['.repeat(depth) + ']'.repeat(depth))).toBe(isTaken);
    expect(ask(isJsonText, `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)).toBe(isTaken);
  });
});
