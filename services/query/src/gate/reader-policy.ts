import {
  isSecretTaken,
  mayActOn,
  viewOf,
  type ApiKey,
  type Credential,
  type KeyView,
  type Refusal,
} from '@docket/directory';
import type { OwnEvents, TypedId } from '@docket/event';

/**
 * Which part of a log a caller sees. Of keys: `operator` (good for every tenant; also what is no tenant's event) and `tenant`.
 * Of viewer tokens: `admin` (the whole log, as the tenant's key) and `user` (own events: without seq and what counts by it,
 * with address, user agent and session of own actions only).
 */
export type View = { readonly kind: KeyView | 'admin' } | UserView;

export interface UserView {
  readonly kind: 'user';
  readonly own: OwnEvents;
}

/** Who calls, and what they may do: decided by the credential alone, never by what is asked. */
export interface Caller extends Credential {
  readonly view: View;
  /** Of a viewer token; null: a key. `keyId` is then the key that made it. */
  readonly token: TokenFacts | null;
}

export interface TokenFacts {
  readonly id: string;
  /** Who looks, as the maker of the token says. */
  readonly viewer: TypedId | null;
  /** s since the epoch. */
  readonly expiresAt: number;
}

/** What a viewer token says, once its signature has been found right. */
export interface ViewerGrant {
  readonly token: TokenFacts;
  readonly keyId: string;
  readonly tenantId: string;
  readonly view: { readonly kind: 'admin' } | UserView;
}

export function callerOfKey(credential: Credential): Caller {
  return { ...credential, view: { kind: viewOf(credential) }, token: null };
}

/** The caller of a token: whatever its key could do, it reads one tenant's log. */
export function callerOfGrant({ token, keyId, tenantId, view }: ViewerGrant): Caller {
  return { keyId, scopes: ['events:read'], tenants: [tenantId], view, token };
}

/**
 * Whose part of the service's limits a caller takes: that of the key; of viewer tokens, those that a key has made for one tenant take one together. A customer's
 * users take nothing from another's, though one key makes the tokens of all (I7).
 */
export function limitedAs({
  keyId,
  token,
  tenants,
}: Pick<Caller, 'keyId' | 'tenants'> & { /** null: a key. */ readonly token: object | string | null }): string {
  return token === null ? keyId : `${keyId} for ${String(tenants)}`;
}

/** Whether a caller may still read a log at this moment, as when the request came: for answers that last. */
export function mayStillRead(caller: Caller, tenantId: string, key: ApiKey | undefined, nowMs: number): boolean {
  if (key === undefined || !checkAlive(caller, key, nowMs).ok) return false;
  return key.scopes.includes('events:read') && mayActOn({ tenants: key.tenants }, tenantId);
}

/** Whether what a caller came with is good at this moment: a token lives as long as it says, and never longer than its key. */
export function checkAlive(
  { token, tenants, secretHash }: Pick<Caller, 'token' | 'tenants' | 'secretHash'>,
  key: ApiKey | undefined,
  nowMs: number,
): { readonly ok: true } | Refusal<'unauthenticated'> {
  const what = token === null ? 'The key' : 'The key that made the viewer token';
  if (key === undefined) return refuse(`${what} is not known.`);
  if (key.revoked_at !== undefined) return refuse(`${what} was revoked.`);
  if (key.expires_at !== undefined && Date.parse(key.expires_at) <= nowMs) return refuse(`${what} has expired.`);
  if (token === null) {
    const isTaken = secretHash === undefined || isSecretTaken(key, secretHash, nowMs);
    return isTaken ? { ok: true } : refuse('The key has another secret now.');
  }
  if (token.expiresAt * 1_000 <= nowMs) return refuse('The viewer token has expired.');
  const isGood = key.tenants === '*' || (tenants !== '*' && tenants.every((tenant) => key.tenants.includes(tenant)));
  return isGood && key.scopes.includes('events:read')
    ? { ok: true }
    : refuse('The key that made the viewer token can not read this log any more.');
}

function refuse(detail: string): Refusal<'unauthenticated'> {
  return { ok: false, code: 'unauthenticated', detail };
}

/** The view `user` of a caller; null: the caller sees whole logs. */
export function ownEventsOf({ view }: Pick<Caller, 'view'>): OwnEvents | null {
  return view.kind === 'user' ? view.own : null;
}
