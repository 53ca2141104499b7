import { describe, expect, test } from '@jest/globals';

import { authenticate, bearerToken, chooseTenant, newApiKey, permitScope, scopes } from '../src/index.ts';
import type { ApiKey, Credential, Scope } from '../src/index.ts';

const made = newApiKey();
const nowMs = Date.parse('2026-01-01T00:00:00Z');
const header = `Bearer ${made.text}`;

function keyWith(changes: Partial<ApiKey> = {}): ApiKey {
  return {
    version: 1,
    kind: 'key',
    id: made.id,
    name: 'test',
    secret_sha256: made.secretSha256,
    scopes: ['events:write'],
    tenants: ['acme'],
    created_at: '2025-01-01T00:00:00.000Z',
    ...changes,
  };
}

const directoryOf = (key: ApiKey) => ({ key: (id: string) => (id === key.id ? key : undefined) });

describe('authenticate', () => {
  test('gives the credential of a good key', () => {
    expect(authenticate(directoryOf(keyWith()), header, nowMs)).toEqual({
      ok: true,
      credential: { keyId: made.id, scopes: ['events:write'], tenants: ['acme'], secretHash: made.secretSha256 },
    });
  });

  test.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['basic', `Basic ${Buffer.from(`x:${made.text}`).toString('base64')}`],
    ['no scheme', made.text],
    ['two tokens', `${header} ${made.text}`],
    ['no key', 'Bearer abc'],
    ['an unknown id', `Bearer dk_${'0'.repeat(16)}_${made.text.slice(20)}`],
    ['a wrong secret', `Bearer ${made.text.slice(0, -1)}${made.text.endsWith('A') ? 'B' : 'A'}`],
  ])('%s is 401', (_name, authorization) => {
    expect(authenticate(directoryOf(keyWith()), authorization, nowMs)).toMatchObject({
      ok: false,
      code: 'unauthenticated',
    });
  });

  test('the scheme is case-insensitive (RFC 9110 §11.1)', () => {
    expect(bearerToken(`bEARER ${made.text}`)).toBe(made.text);
  });

  test.each([
    [{ revoked_at: '2025-06-01T00:00:00.000Z' }, 'revoked'],
    [{ expires_at: '2026-01-01T00:00:00.000Z' }, 'expired'],
    [{ expires_at: '2025-12-31T23:59:59.999Z' }, 'expired'],
  ])('%j is 401 that says why, to who knows the secret alone', (changes, why) => {
    const directory = directoryOf(keyWith(changes));
    expect(authenticate(directory, header, nowMs)).toMatchObject({ ok: false, detail: expect.stringContaining(why) });
    const guess = authenticate(directory, `Bearer dk_${made.id}_${'a'.repeat(43)}`, nowMs);
    expect(guess).toMatchObject({ ok: false, detail: expect.not.stringContaining(why) });
  });

  test('a secret from before a rotation is taken until its end, and no longer than the key', () => {
    const other = newApiKey(made.id);
    const rotated = (until: string, changes: Partial<ApiKey> = {}) =>
      directoryOf(
        keyWith({
          secret_sha256: other.secretSha256,
          old_secrets: [{ secret_sha256: made.secretSha256, expires_at: until }],
          ...changes,
        }),
      );
    const later = '2026-01-01T00:00:00.001Z';
    expect(authenticate(rotated(later), header, nowMs)).toMatchObject({ ok: true });
    expect(authenticate(rotated(later), `Bearer ${other.text}`, nowMs)).toMatchObject({ ok: true });
    expect(authenticate(rotated('2026-01-01T00:00:00.000Z'), header, nowMs)).toMatchObject({ ok: false });
    expect(authenticate(rotated(later, { revoked_at: later }), header, nowMs)).toMatchObject({ ok: false });
  });

  test('a key is good until the moment of its expiry', () => {
    const directory = directoryOf(keyWith({ expires_at: '2026-01-01T00:00:00.001Z' }));
    expect(authenticate(directory, header, nowMs)).toMatchObject({ ok: true });
  });
});

describe('permitScope', () => {
  const held: readonly (readonly [Scope, Scope])[] = scopes.flatMap((has) =>
    scopes.map((wants) => [has, wants] as const),
  );
  test.each(held)('a key with %s that needs %s', (has, wants) => {
    const credential: Credential = { keyId: 'k', scopes: [has], tenants: '*' };
    const expected =
      has === wants ? { ok: true } : { ok: false, code: 'insufficient_scope', detail: expect.stringContaining(wants) };
    expect(permitScope(credential, wants)).toEqual(expected);
  });
});

describe('chooseTenant', () => {
  const of = (tenants: Credential['tenants']): Credential => ({ keyId: 'k', scopes: [], tenants });

  test.each<[Credential['tenants'], string | undefined, string]>([
    [['acme'], undefined, 'acme'],
    [['acme'], 'acme', 'acme'],
    [['acme', 'beta'], 'beta', 'beta'],
    ['*', 'anyone', 'anyone'],
  ])('a key for %j asked for %p gives %s', (tenants, named, tenantId) => {
    expect(chooseTenant(of(tenants), named)).toEqual({ ok: true, tenantId });
  });

  test.each<[Credential['tenants'], string | undefined, string]>([
    [['acme', 'beta'], undefined, 'tenant_required'],
    ['*', undefined, 'tenant_required'],
    [[], undefined, 'tenant_required'],
    [['acme'], 'beta', 'tenant_not_allowed'],
    [[], 'acme', 'tenant_not_allowed'],
    [['acme'], '*', 'invalid_request'],
    ['*', '', 'invalid_request'],
    ['*', 'a b', 'invalid_request'],
    ['*', 'a'.repeat(129), 'invalid_request'],
  ])('a key for %j asked for %p is refused: %s', (tenants, named, code) => {
    expect(chooseTenant(of(tenants), named)).toMatchObject({ ok: false, code });
  });
});
