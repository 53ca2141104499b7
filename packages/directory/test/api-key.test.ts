import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { hashKeySecret, isSameSecret, newApiKey, parseApiKey } from '../src/index.ts';

describe('API keys', () => {
  test('a new key is dk_<id>_<secret> and is stored as the SHA-256 of its secret', () => {
    const made = newApiKey();
    expect(made.text).toMatch(/^dk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    const parsed = parseApiKey(made.text);
    expect(parsed?.id).toBe(made.id);
    expect(hashKeySecret(parsed?.secret ?? '')).toBe(made.secretSha256);
    expect(made.secretSha256).not.toContain(parsed?.secret);
  });

  test('new keys differ', () => {
    expect(new Set(Array.from({ length: 1000 }, () => newApiKey().id)).size).toBe(1000);
  });

  test('a secret may hold underscores: only the first two separate', () => {
    const secret = '_'.repeat(43);
    expect(parseApiKey(`dk_0123456789abcdef_${secret}`)).toEqual({ id: '0123456789abcdef', secret });
  });

  test.each([
    '',
    'dk_',
    'dk_0123456789abcdef_short',
    `sk_0123456789abcdef_${'a'.repeat(43)}`,
    `dk_0123456789ABCDEF_${'a'.repeat(43)}`,
    `dk_0123456789abcdef_${'a'.repeat(44)}`,
    ` dk_0123456789abcdef_${'a'.repeat(43)}`,
    `dk_0123456789abcdef_${'a'.repeat(43)}\n`,
  ])('%j is no key', (text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  test('comparison tells equal from different, of any length', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(isSameSecret(a, b)).toBe(a === b);
        expect(isSameSecret(a, a)).toBe(true);
      }),
    );
  });
});
