import { isTenantId } from '@docket/event';

import { hashKeySecret, isSameHash, parseApiKey } from './api-key.ts';
import type { ApiKey, Scope } from './entities.ts';

/** Who calls, and what they may do. */
export interface Credential {
  readonly keyId: string;
  readonly scopes: readonly Scope[];
  readonly tenants: readonly string[] | '*';
  /** SHA-256 of the key's secret that was given, in hex; of what is no key, nothing. */
  readonly secretHash?: string;
}

/** What a key sees: `operator`, one that is good for every tenant, also what is no tenant's; `tenant`, the whole logs of its own. */
export type KeyView = 'operator' | 'tenant';

export function viewOf({ tenants }: Pick<Credential, 'tenants'>): KeyView {
  return tenants === '*' ? 'operator' : 'tenant';
}

/** A refusal: the code of the error catalogue, and what to tell the caller. */
export interface Refusal<Code extends string> {
  readonly ok: false;
  readonly code: Code;
  readonly detail: string;
}

export type Authentication = { readonly ok: true; readonly credential: Credential } | Refusal<'unauthenticated'>;
export type Permission = { readonly ok: true } | Refusal<'insufficient_scope'>;
export type TenantChoice =
  | { readonly ok: true; readonly tenantId: string }
  | Refusal<'tenant_required' | 'tenant_not_allowed' | 'invalid_request'>;

/** Stands in for the hash of a key that does not exist, so that unknown ids take as long as wrong secrets. */
const nobody = hashKeySecret('nobody');

const refuse = <Code extends string>(code: Code, detail: string): Refusal<Code> => ({ ok: false, code, detail });

/** The token of an `Authorization: Bearer …` header (RFC 6750 §2.1), or undefined: a key, or a JWT of up to 8 KiB. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(authorization ?? '')?.[1];
}

/**
 * Decides who calls, from the Authorization header and the directory. An expired or revoked key is told so only to whoever knows its secret.
 * Only as current as `directory`: callers MUST NOT ask before the view has caught up.
 */
export function authenticate(
  directory: { key(id: string): ApiKey | undefined },
  authorization: string | undefined,
  nowMs: number,
): Authentication {
  if (authorization === undefined) return refuse('unauthenticated', 'No credential: send Authorization: Bearer dk_….');
  const given = parseApiKey(bearerToken(authorization) ?? '');
  if (given === undefined)
    return refuse('unauthenticated', 'The credential is not of the form Bearer dk_<id>_<secret>.');
  const key = directory.key(given.id);
  const hash = hashKeySecret(given.secret);
  // Every one of them is compared, whichever fits.
  const isRight = takenSecrets(key, nowMs)
    .map((secret) => isSameHash(hash, secret))
    .includes(true);
  if (key === undefined || !isRight) return refuse('unauthenticated', 'The key is not known.');
  if (key.revoked_at !== undefined) return refuse('unauthenticated', `The key was revoked at ${key.revoked_at}.`);
  if (key.expires_at !== undefined && Date.parse(key.expires_at) <= nowMs) {
    return refuse('unauthenticated', `The key expired at ${key.expires_at}.`);
  }
  return { ok: true, credential: { keyId: key.id, scopes: key.scopes, tenants: key.tenants, secretHash: hash } };
}

/** Whether a secret that a key has had is still taken: it is its own, or from before a rotation whose overlap is not over. */
export function isSecretTaken(key: ApiKey, secretHash: string, nowMs: number): boolean {
  return takenSecrets(key, nowMs).includes(secretHash);
}

/** Hashes of the secrets that a key may come with: its own, and those from before a rotation that are taken still. */
function takenSecrets(key: ApiKey | undefined, nowMs: number): string[] {
  const old = (key?.old_secrets ?? []).filter(({ expires_at: until }) => Date.parse(until) > nowMs);
  return [key?.secret_sha256 ?? nobody, ...old.map((secret) => secret.secret_sha256)];
}

/** Decides whether a credential has a scope. */
export function permitScope(credential: Credential, scope: Scope): Permission {
  if (credential.scopes.includes(scope)) return { ok: true };
  return refuse('insufficient_scope', `The key lacks the scope ${scope}.`);
}

/** Decides whether a credential is good for a tenant; the answer is the same whether or not that tenant exists (I5). */
export function mayActOn(credential: Pick<Credential, 'tenants'>, tenantId: string): boolean {
  return credential.tenants === '*' || credential.tenants.includes(tenantId);
}

/** Decides which tenant a request is about. Only a key for exactly one tenant may leave it out. */
export function chooseTenant(credential: Credential, named: string | undefined): TenantChoice {
  if (named === undefined) {
    const [only, ...others] = credential.tenants === '*' ? [] : credential.tenants;
    if (only !== undefined && others.length === 0) return { ok: true, tenantId: only };
    return refuse('tenant_required', 'The key is good for several tenants: name one with tenant_id.');
  }
  if (!isTenantId(named)) return refuse('invalid_request', 'tenant_id is not 1..128 of [A-Za-z0-9._:-].');
  if (mayActOn(credential, named)) return { ok: true, tenantId: named };
  return refuse('tenant_not_allowed', `The key is not good for tenant ${named}.`);
}
