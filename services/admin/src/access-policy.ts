import { authenticate, bearerToken, isSameSecret, mayActOn, scopes } from '@docket/directory';
import type { Authentication, Credential, DirectoryReader, Scope } from '@docket/directory';
import { DocketError } from '@docket/runtime';

/** No key has this id. */
export const bootstrapKeyId = 'bootstrap';

/** The operator who holds DOCKET_BOOTSTRAP_TOKEN: everything, at this service only. */
const bootstrap: Credential = { keyId: bootstrapKeyId, scopes, tenants: '*' };

/** Decides who calls: the bootstrap token, where one is set, or a key of the directory. */
export function identify(
  directory: Pick<DirectoryReader, 'key'>,
  bootstrapToken: string,
  authorization: string | undefined,
  nowMs: number,
): Authentication {
  const token = bearerToken(authorization);
  if (bootstrapToken !== '' && token !== undefined && isSameSecret(token, bootstrapToken)) {
    return { ok: true, credential: bootstrap };
  }
  return authenticate(directory, authorization, nowMs);
}

/** Throws insufficient_scope unless the caller has one of the scopes. */
export function requireOneOf(caller: Credential, wanted: readonly Scope[]): void {
  if (wanted.some((scope) => caller.scopes.includes(scope))) return;
  throw new DocketError('insufficient_scope', `This needs the scope ${wanted.join(' or ')}.`);
}

/** Throws tenant_not_allowed; the answer is the same whether or not the tenant exists (I5). */
export function requireTenant(caller: Credential, tenantId: string): void {
  if (mayActOn(caller, tenantId)) return;
  throw new DocketError('tenant_not_allowed', `The key is not good for tenant ${tenantId}.`);
}

/** What a caller reaches, made once for many questions: a caller and each of thousands of keys may be good for many tenants. */
export interface Reach {
  tenant(tenantId: string): boolean;
  /** Everything that `tenants` reach: nobody makes or sees a key for tenants beyond his own. Of scopes, `admin` includes all. */
  all(tenants: readonly string[] | '*'): boolean;
}

export function reachOf({ tenants: own }: Pick<Credential, 'tenants'>): Reach {
  if (own === '*') return { tenant: () => true, all: () => true };
  const reached = new Set(own);
  return {
    tenant: (tenantId) => reached.has(tenantId),
    all: (tenants) => tenants !== '*' && tenants.every((tenant) => reached.has(tenant)),
  };
}
