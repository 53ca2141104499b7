import {
  authenticate,
  bearerToken,
  chooseTenant,
  permitScope,
  type DirectoryView,
  type KeyUses,
  type Scope,
} from '@docket/directory';
import { isStrayLog, type SearchScope } from '@docket/event';
import { DocketError, noteForLog } from '@docket/runtime';
import type { Request } from 'express';
import { visibleStatuses } from '../parameters/filter-parameters-mapper.ts';
import {
  callerOfGrant,
  callerOfKey,
  checkAlive,
  mayStillRead,
  ownEventsOf,
  type Caller,
} from '../gate/reader-policy.ts';
import type { ViewerTokens } from '../tokens/viewer-tokens.ts';

/** What this service asks of the directory. */
export type KeyDirectory = Pick<DirectoryView, 'isCaughtUp' | 'key'>;

export interface Callers {
  /** Who calls, with a key or a viewer token. Throws `unauthenticated`, and `not_caught_up` while the directory is not known yet. */
  callerOf(req: Request): Promise<Caller>;
  /** For answers that last: whether the credential would still be taken now, for this log. See `CredentialWatch`. */
  mayStillRead(caller: Caller, tenantId: string): boolean;
}

export function createCallers(directory: KeyDirectory, tokens: ViewerTokens, keyUses: Pick<KeyUses, 'note'>): Callers {
  return {
    async callerOf(req) {
      if (!directory.isCaughtUp()) throw new DocketError('not_caught_up', 'The keys are not known yet.');
      const authorization = req.get('authorization');
      const token = bearerToken(authorization);
      // Three parts are a JWT; no key has a dot.
      if (token !== undefined && token.split('.').length === 3) {
        const viewer = await viewerOf(directory, tokens, token);
        noteForLog(req, { keyId: viewer.keyId });
        return viewer;
      }
      const nowMs = Date.now();
      const caller = authenticate(directory, authorization, nowMs);
      if (!caller.ok) throw new DocketError(caller.code, caller.detail);
      noteForLog(req, { keyId: caller.credential.keyId });
      keyUses.note(caller.credential.keyId, nowMs);
      return callerOfKey(caller.credential);
    },
    mayStillRead: (caller, tenantId) => mayStillRead(caller, tenantId, directory.key(caller.keyId), Date.now()),
  };
}

async function viewerOf(directory: KeyDirectory, tokens: ViewerTokens, token: string): Promise<Caller> {
  const read = await tokens.read(token, new Date());
  if (!read.ok) throw new DocketError('unauthenticated', read.detail);
  const caller = callerOfGrant(read.grant);
  const alive = checkAlive(caller, directory.key(caller.keyId), Date.now());
  if (!alive.ok) throw new DocketError(alive.code, alive.detail);
  return caller;
}

/** For answers that have waited: throws `unauthenticated` when the credential would not be taken any more. */
export function requireStillReads(callers: Callers, caller: Caller, tenantId: string): void {
  if (callers.mayStillRead(caller, tenantId)) return;
  throw new DocketError('unauthenticated', 'The credential has ended while the request waited.');
}

/** Who calls and may read, with any view; what is shown has to follow it. Throws also `insufficient_scope`. */
export async function anyReaderOf(callers: Callers, req: Request): Promise<Caller> {
  const caller = await callers.callerOf(req);
  const permission = permitScope(caller, 'events:read');
  if (!permission.ok) throw new DocketError(permission.code, permission.detail);
  return caller;
}

/** Who calls and may read whole logs: what counts by seq is not for the view `user`. Throws also `view_not_allowed`. */
export async function readerOf(callers: Callers, req: Request): Promise<Caller> {
  const caller = await anyReaderOf(callers, req);
  if (caller.view.kind === 'user')
    throw new DocketError(
      'view_not_allowed',
      'This needs the view admin: the view user shows events and counts of them.',
    );
  return caller;
}

/** An operator with all of these scopes. Throws also `insufficient_scope`, `view_not_allowed`. */
export async function operatorOf(callers: Callers, req: Request, scopes: readonly Scope[]): Promise<Caller> {
  const caller = await callers.callerOf(req);
  for (const scope of scopes) {
    const permission = permitScope(caller, scope);
    if (!permission.ok) throw new DocketError(permission.code, permission.detail);
  }
  if (isOperator(caller)) return caller;
  throw new DocketError('view_not_allowed', 'This is for operators: it needs a key for every tenant.');
}

/** The one log that a read is about: a tenant's, and for operators also a stray log. Throws `tenant_required`, `tenant_not_allowed`, `invalid_request`. */
export function tenantOf(caller: Caller, named: string | undefined): string {
  if (named !== undefined && isStrayLog(named) && isOperator(caller)) return named;
  const choice = chooseTenant(caller, named);
  if (!choice.ok) throw new DocketError(choice.code, choice.detail);
  return choice.tenantId;
}

/** What a caller may see of the log that a request names. Throws as `tenantOf`. */
export function scopeOf(caller: Caller, named: string | undefined): SearchScope {
  return {
    tenantId: tenantOf(caller, named),
    statuses: visibleStatuses(isOperator(caller)),
    own: ownEventsOf(caller),
  };
}

/** Operators are those whose key is good for every tenant; they alone see rows that are no tenant's events (design §6). */
export function isOperator({ view }: Caller): boolean {
  return view.kind === 'operator';
}
