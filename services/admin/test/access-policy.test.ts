import { describe, expect, test } from '@jest/globals';
import { newApiKey } from '@docket/directory';
import type { Credential, Scope } from '@docket/directory';

import { identify, reachOf, requireOneOf, requireTenant } from '../src/access-policy.ts';

const token = 'bootstrap-token-bootstrap-token-1';
const nobody = { key: () => undefined };

function caller(scopes: readonly Scope[], tenants: Credential['tenants'] = '*'): Credential {
  return { keyId: 'k', scopes, tenants };
}

describe('identify', () => {
  test('the bootstrap token may do everything', () => {
    expect(identify(nobody, token, `Bearer ${token}`, 0)).toMatchObject({
      ok: true,
      credential: { keyId: 'bootstrap', tenants: '*', scopes: expect.arrayContaining(['admin']) },
    });
  });

  test.each([
    ['another token', token, `Bearer ${token}x`],
    ['a prefix of it', token, `Bearer ${token.slice(0, -1)}`],
    ['no token at all', token, undefined],
    ['an empty token where none is set', '', 'Bearer '],
    ['any token where none is set', '', `Bearer ${token}`],
    ['an unknown key', token, `Bearer ${newApiKey().text}`],
  ])('%s is 401', (_name, bootstrapToken, authorization) => {
    expect(identify(nobody, bootstrapToken, authorization, 0)).toMatchObject({ ok: false, code: 'unauthenticated' });
  });
});

describe('what a caller may do', () => {
  test('one of the scopes is enough, none is not', () => {
    expect(() => requireOneOf(caller(['subscriptions:write']), ['subscriptions:write', 'admin'])).not.toThrow();
    expect(() => requireOneOf(caller(['events:read']), ['subscriptions:write', 'admin'])).toThrow(
      expect.objectContaining({
        code: 'insufficient_scope',
        message: expect.stringContaining('subscriptions:write or admin'),
      }),
    );
  });

  test('a tenant beyond its reach is refused', () => {
    expect(() => requireTenant(caller([], ['acme']), 'acme')).not.toThrow();
    expect(() => requireTenant(caller([], ['acme']), 'beta')).toThrow(
      expect.objectContaining({ code: 'tenant_not_allowed' }),
    );
  });

  test.each<[Credential['tenants'], Credential['tenants'], boolean]>([
    ['*', '*', true],
    ['*', ['a'], true],
    [['a', 'b'], ['a'], true],
    [['a', 'b'], ['b', 'a'], true],
    [['a'], ['a', 'b'], false],
    [['a'], '*', false],
    [[], ['a'], false],
  ])('a key for %j reaches all of %j: %p', (mine, theirs, expected) => {
    expect(reachOf(caller([], mine)).all(theirs)).toBe(expected);
  });

  test('I7: the caller’s tenants are gone through once, however many are asked about', () => {
    let looks = 0;
    const mine = new Proxy(['a', 'b', 'c'], {
      get: (list, name) => {
        looks += 1;
        return Reflect.get(list, name);
      },
    });
    const reach = reachOf({ tenants: mine });
    const before = looks;
    expect([reach.all(['c', 'b', 'a']), reach.tenant('c'), reach.tenant('d')]).toEqual([true, true, false]);
    expect(looks).toBe(before);
  });
});
