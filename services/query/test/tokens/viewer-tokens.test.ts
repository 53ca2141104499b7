import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { callerOfGrant, checkAlive, type ViewerGrant } from '../../src/gate/reader-policy.ts';
import { readTokenKeys } from '../../src/tokens/token-keys.ts';
import { createViewerTokens } from '../../src/tokens/viewer-tokens.ts';

const [secret, otherSecret] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
const [key] = readTokenKeys([secret]);
const [otherKey] = readTokenKeys([otherSecret]);
const tokens = createViewerTokens([key]);

const nowSeconds = 1_764_000_000;
const at = (seconds: number): Date => new Date((nowSeconds + seconds) * 1_000);
const grant: ViewerGrant = {
  token: { id: 't_1', viewer: { type: 'user', id: 'u_1' }, expiresAt: nowSeconds + 900 },
  keyId: '0123456789abcdef',
  tenantId: 'acme',
  view: {
    kind: 'user',
    own: {
      actors: [{ type: 'user', id: 'u_1' }],
      onBehalfOf: [{ type: 'user', id: 'ü' }],
      resources: [{ type: 'document', id: 'd:7' }],
    },
  },
};

describe('a viewer token', () => {
  test('grants what it was made for, until it expires', async () => {
    const token = await tokens.sign(grant, nowSeconds);
    expect(await tokens.read(token, at(0))).toEqual({ ok: true, grant });
    expect(await tokens.read(token, at(899))).toEqual({ ok: true, grant });
    const late = { ok: false, detail: 'The viewer token has expired.' };
    expect(await tokens.read(token, at(900))).toEqual(late);
  });

  test('of the view admin grants the whole log', async () => {
    const whole: ViewerGrant = { ...grant, token: { ...grant.token, viewer: null }, view: { kind: 'admin' } };
    expect(await tokens.read(await tokens.sign(whole, nowSeconds), at(1))).toEqual({ ok: true, grant: whole });
  });

  test('is signed by the first key and taken from each of them', async () => {
    const rotated = createViewerTokens([otherKey, key]);
    expect((await rotated.read(await tokens.sign(grant, nowSeconds), at(1))).ok).toBe(true);
    const token = await rotated.sign(grant, nowSeconds);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'docket-viewer+jwt', kid: otherKey.id });
    expect((await rotated.read(token, at(1))).ok).toBe(true);
    expect((await tokens.read(token, at(1))).ok).toBe(false);
  });
});

describe('I5: what is not signed by us for this is no token', () => {
  const header = { alg: 'HS256', typ: 'docket-viewer+jwt', kid: key.id };

  async function claims(): Promise<JWTPayload> {
    return decodeJwt(await tokens.sign(grant, nowSeconds));
  }

  const forge = async (
    changes: JWTPayload,
    { protectedHeader = header, signing = key.signing } = {},
  ): Promise<string> =>
    new SignJWT({ ...(await claims()), ...changes }).setProtectedHeader(protectedHeader).sign(signing);

  test('the forger below makes a good token when it changes nothing', async () => {
    expect((await tokens.read(await forge({}), at(1))).ok).toBe(true);
  });

  const { alg: _, ...unsigned } = header;
  const cases: Record<string, () => Promise<string>> = {
    'alg none': async () => new UnsecuredJWT(await claims()).encode(),
    'alg none under our header': async () => {
      const [, payload = ''] = (await forge({})).split('.');
      return `${Buffer.from(JSON.stringify({ ...unsigned, alg: 'none' })).toString('base64url')}.${payload}.`;
    },
    'another algorithm with the right key': () =>
      forge({}, { protectedHeader: { ...header, alg: 'HS512' }, signing: new Uint8Array(64).fill(1) }),
    'another key under the name of ours': () => forge({}, { signing: otherKey.signing }),
    'a key that we do not have': () =>
      forge({}, { protectedHeader: { ...header, kid: otherKey.id }, signing: otherKey.signing }),
    'no name of a key': () => forge({}, { protectedHeader: { alg: 'HS256', typ: header.typ, kid: '' } }),
    'another type': () => forge({}, { protectedHeader: { ...header, typ: 'JWT' } }),
    'another audience': () => forge({ aud: 'docket' }),
    'another issuer': () => forge({ iss: 'somebody' }),
    'a longer life than there is': () => forge({ exp: nowSeconds + 901 }),
    'no view': () => forge({ view: undefined }),
    'a view that there is not': () => forge({ view: 'operator' }),
    'a user without own events': () => forge({ any_of: undefined }),
    'a user with an empty list': () => forge({ any_of: [] }),
    'an admin with a list': () => forge({ view: 'admin' }),
    'a type with a colon': () => forge({ any_of: [{ resource: { type: 'a:b', id: 'c' } }] }),
    'an empty id': () => forge({ any_of: [{ actor: { type: 'user', id: '' } }] }),
    'a tenant that is none': () => forge({ tenant: '!p0' }),
    'a changed payload': async () => {
      const [head, , signature] = (await forge({})).split('.');
      const payload = Buffer.from(JSON.stringify({ ...(await claims()), tenant: 'globex' })).toString('base64url');
      return `${head}.${payload}.${signature}`;
    },
    'a cut signature': async () => (await forge({})).slice(0, -2),
    'no signature': async () => (await forge({})).replace(/[^.]*$/, ''),
    'no JSON': () => Promise.resolve('a.b.c'),
    'nothing at all': () => Promise.resolve('..'),
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    const token = (await cases[name]?.()) ?? '';
    expect(await tokens.read(token, at(1))).toEqual({ ok: false, detail: 'The viewer token is not valid.' });
  });
});

describe('I5: a token lives no longer than its key', () => {
  const caller = callerOfGrant(grant);
  const made = {
    version: 1 as const,
    kind: 'key' as const,
    id: grant.keyId,
    name: 'backend',
    secret_sha256: '0'.repeat(64),
    scopes: ['events:read' as const],
    tenants: ['acme'],
    created_at: '2026-11-01T00:00:00.000Z',
  };
  const aliveWith = (of: Parameters<typeof checkAlive>[1], seconds = 1): boolean =>
    checkAlive(caller, of, at(seconds).getTime()).ok;

  test('it lives while the key does', () => {
    expect(aliveWith(made)).toBe(true);
    expect(aliveWith({ ...made, tenants: '*' })).toBe(true);
    expect(aliveWith({ ...made, expires_at: at(2).toISOString() })).toBe(true);
    expect(aliveWith(made, 899)).toBe(true);
  });

  test.each([
    ['is gone', undefined],
    ['was revoked', { ...made, revoked_at: at(0).toISOString() }],
    ['has expired', { ...made, expires_at: at(1).toISOString() }],
    ['is for another tenant now', { ...made, tenants: ['globex'] }],
    ['may not read now', { ...made, scopes: ['events:write' as const] }],
  ])('not when the key %s', (_, of) => expect(aliveWith(of)).toBe(false));

  test('and not when it has expired itself', () => expect(aliveWith(made, 900)).toBe(false));
});
