import { authenticate, chooseTenant, permitScope, type Credential, type DirectoryView } from '@docket/directory';
import { DocketError } from '@docket/runtime';
import type { Request } from 'express';

/** What this service asks of the directory. */
export type KeyDirectory = Pick<DirectoryView, 'isCaughtUp' | 'key'>;

/** Who calls. Throws `unauthenticated`, and `not_caught_up` while the directory is not known yet. */
export function callerOf(directory: KeyDirectory, req: Request): Credential {
  if (!directory.isCaughtUp()) throw new DocketError('not_caught_up', 'The keys are not known yet.');
  const caller = authenticate(directory, req.get('authorization'), Date.now());
  if (!caller.ok) throw new DocketError(caller.code, caller.detail);
  return caller.credential;
}

/** Who calls and may read. Throws also `insufficient_scope`. */
export function readerOf(directory: KeyDirectory, req: Request): Credential {
  const credential = callerOf(directory, req);
  const permission = permitScope(credential, 'events:read');
  if (!permission.ok) throw new DocketError(permission.code, permission.detail);
  return credential;
}

/** The one tenant that a read is about. Throws `tenant_required`, `tenant_not_allowed`, `invalid_request`. */
export function tenantOf(credential: Credential, named: string | undefined): string {
  const choice = chooseTenant(credential, named);
  if (!choice.ok) throw new DocketError(choice.code, choice.detail);
  return choice.tenantId;
}

/** Operators are those whose key is good for every tenant; they alone see rows that are no tenant's events (design §6). */
export function isOperator(credential: Credential): boolean {
  return credential.tenants === '*';
}
