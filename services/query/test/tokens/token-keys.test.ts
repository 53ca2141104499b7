import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { readSettings } from '@docket/runtime';
import { createCursorSeal } from '../../src/pages/cursor-seal.ts';
import { readTokenKeys, tokenKeySettings } from '../../src/tokens/token-keys.ts';

const fresh = (): string => randomBytes(32).toString('base64');
const read = (value: string) => readSettings(tokenKeySettings, { DOCKET_TOKEN_KEYS: value }).tokenKeys;

describe('DOCKET_TOKEN_KEYS', () => {
  test('takes one key, or several', () => {
    const [first, second] = [fresh(), fresh()];
    expect(read(first)).toEqual([first]);
    expect(read(`${first}, ${second}`)).toEqual([first, second]);
    expect(readTokenKeys(read(`${first},${second}`))).toHaveLength(2);
  });

  const twice = fresh();
  test.each([
    ['nothing', '', 'has no default'],
    ['31 bytes', randomBytes(31).toString('base64'), 'is not 32 bytes in base64'],
    ['33 bytes', randomBytes(33).toString('base64'), 'is not 32 bytes in base64'],
    ['no base64', 'x'.repeat(44), 'is not 32 bytes in base64'],
    ['one key twice', `${twice},${twice}`, 'names a key twice'],
    ['nine keys', Array.from({ length: 9 }, fresh).join(','), 'at most 8'],
  ])('refuses %s, and repeats no secret', (_, value, problem) => {
    let message = '';
    try {
      read(value);
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    expect(message).toContain(problem);
    for (const secret of value.split(',').filter((text) => text !== '')) expect(message).not.toContain(secret);
  });

  test('each key is used for one thing, under a name that says nothing about it', () => {
    const [key] = readTokenKeys([twice]);
    expect(key.id).toMatch(/^[0-9a-f]{8}$/);
    expect(Buffer.from(key.signing).equals(Buffer.from(key.sealing))).toBe(false);
    expect(Buffer.from(key.signing).toString('base64')).not.toBe(twice);
  });
});

describe('a sealed cursor', () => {
  const [old, current] = [fresh(), fresh()];
  const position = { occurredAt: 1_764_000_000_000_000, id: '0199f3c2-0000-7000-8000-00000000000a', seq: 987_654 };
  const cursor = { fingerprint: 'fingerprint', nowMicros: 1_764_000_000_000_001, position };
  const seal = createCursorSeal(readTokenKeys([current, old]));

  test('comes back as it was made, and after the key has been changed too', () => {
    expect(seal.open(seal.seal(cursor))).toEqual(cursor);
    expect(seal.open(createCursorSeal(readTokenKeys([old])).seal(cursor))).toEqual(cursor);
    expect(createCursorSeal(readTokenKeys([old])).open(seal.seal(cursor))).toBeNull();
  });

  test('I5: shows nobody what it holds, and is never the same twice', () => {
    const text = seal.seal(cursor);
    const plain = Buffer.from(text, 'base64url').toString('latin1');
    for (const hidden of ['987654', 'fingerprint', position.id]) expect(plain).not.toContain(hidden);
    expect(seal.seal(cursor)).not.toBe(text);
  });

  test('that was changed in any byte, cut or made up is none', () => {
    const bytes = Buffer.from(seal.seal(cursor), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const forged = Buffer.from(bytes);
      forged[at] = (forged[at] ?? 0) ^ 1;
      expect(seal.open(forged.toString('base64url'))).toBeNull();
      expect(seal.open(bytes.subarray(0, at).toString('base64url'))).toBeNull();
    }
    for (const text of ['', 'x', '%%%', '\u0000', 'eyJ9']) expect(seal.open(text)).toBeNull();
  });
});
