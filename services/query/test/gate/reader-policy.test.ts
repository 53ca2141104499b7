import { expect, test } from '@jest/globals';
import { callerOfGrant, callerOfKey, limitedAs, mayStillRead, type ViewerGrant } from '../../src/gate/reader-policy.ts';

const beganMs = Date.UTC(2026, 10, 23);
/** Seconds later. */
const at = (seconds: number): Date => new Date(beganMs + seconds * 1_000);
const grant: ViewerGrant = {
  token: { id: 'a', viewer: null, expiresAt: beganMs / 1_000 + 900 },
  keyId: '0123456789abcdef',
  tenantId: 'acme',
  view: { kind: 'admin' },
};

test('I7: what takes a part of the limits is a key, or the tokens that it has made for one tenant', () => {
  const ofKey = callerOfKey({ keyId: grant.keyId, scopes: ['events:read'], tenants: '*' });
  const [acme, another, globex] = [grant, { ...grant, token: { ...grant.token, id: 'b' } }, { ...grant, tenantId: 'globex' }].map(callerOfGrant); // prettier-ignore
  const names = [ofKey, acme, another, globex].map((caller) => caller && limitedAs(caller));
  expect(names[1]).toBe(names[2]);
  expect(new Set(names).size).toBe(3);
});

test('a key’s own reader reads on as long as the secret that it came with is taken', () => {
  const [own, old] = ['a'.repeat(64), 'b'.repeat(64)];
  const key = {
    version: 1 as const,
    kind: 'key' as const,
    id: grant.keyId,
    name: 'backend',
    secret_sha256: own,
    old_secrets: [{ secret_sha256: old, expires_at: at(10).toISOString() }],
    scopes: ['events:read' as const],
    tenants: ['acme'],
    created_at: '2026-11-01T00:00:00.000Z',
  };
  const readsWith = (secretHash: string, seconds: number): boolean =>
    mayStillRead(
      callerOfKey({ keyId: key.id, scopes: key.scopes, tenants: key.tenants, secretHash }),
      'acme',
      key,
      at(seconds).getTime(),
    );
  expect([readsWith(own, 11), readsWith(old, 9), readsWith(old, 11), readsWith('c'.repeat(64), 1)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
