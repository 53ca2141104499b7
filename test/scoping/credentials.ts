import { SignJWT, UnsecuredJWT, decodeJwt, type JWTPayload } from 'jose';
import { eventually } from '@docket/testkit';
import { readTokenKeys } from '../../services/query/src/tokens/token-keys.ts';
import { bob, jane, janesDocument, robot, type MarkedTenant } from './marked-tenant.ts';
import { allScopes, type ScopingWorld } from './scoping-world.ts';

/** How a credential of a tenant fares: `live` may what its kind may, `lacking` has not the scope, `dead` is nobody's. */
export type Kind =
  | { readonly name: string; readonly is: 'key'; readonly of: 'every tenant' | 'one tenant' | 'two tenants' }
  | { readonly name: string; readonly is: 'token'; readonly view: 'admin' | 'user' }
  | { readonly name: string; readonly is: 'lacking' | 'dead' };

export type Scope = (typeof allScopes)[number];

export interface Credentials {
  readonly kinds: readonly Kind[];
  /** The credential of a kind; `wanted` are the scopes that the endpoint asks for, any of them. */
  of(kind: Kind, wanted: readonly Scope[]): string;
  /** The view of the API key that has jane's id. */
  readonly robotView: string;
}

const kinds: readonly Kind[] = [
  { name: 'operator key', is: 'key', of: 'every tenant' },
  { name: 'tenant key', is: 'key', of: 'one tenant' },
  { name: 'key of two tenants', is: 'key', of: 'two tenants' },
  { name: 'admin-view token', is: 'token', view: 'admin' },
  { name: 'user-view token', is: 'token', view: 'user' },
  { name: 'key without the scope', is: 'lacking' },
  { name: 'expired key', is: 'dead' },
  { name: 'revoked key', is: 'dead' },
  { name: 'tampered key', is: 'dead' },
  { name: 'expired token', is: 'dead' },
  { name: 'token of a revoked key', is: 'dead' },
  { name: 'tampered token', is: 'dead' },
  { name: 'token with alg none', is: 'dead' },
  { name: 'token for another audience', is: 'dead' },
  { name: 'token signed with another key', is: 'dead' },
  { name: 'none', is: 'dead' },
];

/** One credential of every kind, all of them for `tenant`. Those that are dead were good once, which is shown here. */
export async function makeCredentials(world: ScopingWorld, tenant: MarkedTenant): Promise<Credentials> {
  const { root, makeKey, need } = world;
  const whole = await makeKey(allScopes, [tenant.id]);
  const revoked = await makeKey(allScopes, [tenant.id]);
  const expired = await makeKey(allScopes, [tenant.id], { expires_at: new Date(Date.now() + 4_000).toISOString() });
  const mint = async (key: string, body: object): Promise<string> => {
    await untilStatus(world, key, 200);
    return String((await need(key, { method: 'POST', path: '/v1/viewer-tokens', body })).body['token']);
  };
  const userView = (who: object) => ({ view: 'user', any_of: [{ actor: who }, { resource: janesDocument }], viewer: bob });
  const admin = await mint(whole.key, { view: 'admin' });
  const ofRevoked = await mint(revoked.key, { view: 'admin' });
  const brief = await mint(whole.key, { view: 'admin', ttl_seconds: 1 });
  await untilStatus(world, expired.key, 200);
  await need(root, { method: 'DELETE', path: `/v1/keys/${revoked.id}` });
  for (const dead of [revoked.key, ofRevoked, brief, expired.key]) await untilStatus(world, dead, 401);

  const forged = await forge(world.tokenKeys, admin);
  const named = new Map<string, string>([
    ['operator key', (await makeKey(allScopes, '*')).key],
    ['tenant key', whole.key],
    ['key of two tenants', (await makeKey(allScopes, [tenant.id, world.middle.id])).key],
    ['admin-view token', admin],
    ['user-view token', await mint(whole.key, userView(jane))],
    ['expired key', expired.key],
    ['revoked key', revoked.key],
    ['tampered key', `${whole.key.slice(0, -1)}${whole.key.endsWith('A') ? 'B' : 'A'}`],
    ['expired token', brief],
    ['token of a revoked key', ofRevoked],
    ...forged,
    ['none', ''],
  ]);
  const lacking = new Map<string, string>();
  for (const wanted of [['events:read'], ['events:write'], ['admin'], ['admin', 'subscriptions:write']]) {
    const rest = allScopes.filter((scope) => !wanted.includes(scope));
    lacking.set(wanted.toSorted().join(), (await makeKey(rest, [tenant.id])).key);
  }
  const robotView = await mint(whole.key, { view: 'user', any_of: [{ actor: robot }] });
  for (const key of [...named.values(), ...lacking.values()].filter((text) => text.startsWith('dk_'))) {
    const isDead = [expired.key, revoked.key, named.get('tampered key')].includes(key);
    await untilStatus(world, key, isDead ? 401 : 200);
  }
  return {
    kinds,
    robotView,
    of: (kind, wanted) => {
      const text = kind.is === 'lacking' ? lacking.get(wanted.toSorted().join()) : named.get(kind.name);
      if (text === undefined) throw new Error(`no ${kind.name} for ${wanted.join()}`);
      return text;
    },
  };
} // prettier-ignore

/** Until the query service knows what has become of a credential. */
async function untilStatus({ ask }: ScopingWorld, credential: string, status: number): Promise<void> {
  const isSo = async () => (await ask(credential, { method: 'GET', path: '/v1/whoami' })).status === status;
  await eventually(isSo, { what: `the status ${status}`, deadlineMs: 20_000 });
}

/** Tokens that say what a good one says, each wrong in one way. The forger's own good one is taken: see the test. */
async function forge(tokenKeys: string, good: string): Promise<[string, string][]> {
  const [key] = readTokenKeys([tokenKeys]);
  const [other] = readTokenKeys([Buffer.alloc(32, 7).toString('base64')]);
  const claims = decodeJwt(good);
  const header = { alg: 'HS256', typ: 'docket-viewer+jwt', kid: key.id };
  const sign = (payload: JWTPayload, signing: Uint8Array) => new SignJWT(payload).setProtectedHeader(header).sign(signing);
  const [head, , signature] = good.split('.');
  const payload = Buffer.from(JSON.stringify({ ...claims, tenant: 'right' })).toString('base64url');
  return [
    ['good forgery', await sign(claims, key.signing)],
    ['tampered token', `${head}.${payload}.${signature}`],
    ['token with alg none', new UnsecuredJWT(claims).encode()],
    ['token for another audience', await sign({ ...claims, aud: 'docket' }, key.signing)],
    ['token signed with another key', await sign(claims, other.signing)],
  ];
} // prettier-ignore
