import type { ApiKey, Credential, Decision, DirectoryReader } from '@docket/directory';
import { isReserved, microsOfRfc3339 } from '@docket/event';
import { DocketError, invalidField } from '@docket/runtime';

import { reachOf } from './access-policy.ts';
import type { Reach } from './access-policy.ts';
import type { PublicKey } from './answer-schemas.ts';
import type { NewKeyBody, RotateKeyBody } from './request-schemas.ts';

/** I8: the directory is held in memory by every process. */
const keysMax = 20_000;
/** I7: so that whoever administers some tenants cannot take what all share. */
const keysOfReachMax = 500;

export interface MadeKey {
  readonly id: string;
  readonly secretSha256: string;
}

/** Decides to store a new key. Throws tenant_not_allowed when it would reach further than the caller, invalid_body, limit_reached. */
export function decideNewKey(
  directory: DirectoryReader,
  caller: Credential,
  body: NewKeyBody,
  made: MadeKey,
  nowMs: number,
): Decision<ApiKey> {
  const reach = reachOf(caller);
  if (!reach.all(body.tenants)) {
    throw new DocketError('tenant_not_allowed', 'The new key would be good for tenants that yours is not good for.');
  }
  const reserved = body.tenants === '*' ? -1 : body.tenants.findIndex(isReserved);
  if (reserved >= 0) throw invalidField(`/tenants/${reserved}`, 'begins with docket., which is reserved');
  const removes = removedForRoom(directory.keys(), { reach, isOperator: caller.tenants === '*' }, nowMs);
  const key: ApiKey = {
    version: 1,
    kind: 'key',
    id: made.id,
    name: body.name,
    secret_sha256: made.secretSha256,
    scopes: body.scopes,
    tenants: body.tenants,
    created_at: new Date(nowMs).toISOString(),
    ...(body.expires_at === undefined ? {} : { expires_at: expiryOf(body.expires_at, nowMs) }),
  };
  return { puts: [key], ...(removes.length === 0 ? {} : { removes }), result: key };
}

/**
 * What has to go before another key: nothing below the limits, else the oldest key within the caller's reach that is of no use any more. Such keys are
 * kept until then, because their holders are told why they are refused.
 */
function removedForRoom(
  keys: readonly ApiKey[],
  caller: { readonly reach: Reach; readonly isOperator: boolean },
  nowMs: number,
): readonly { readonly kind: 'key'; readonly id: string }[] {
  const within = keys.filter(({ tenants }) => caller.reach.all(tenants));
  const isFull = keys.length >= keysMax || (!caller.isOperator && within.length >= keysOfReachMax);
  if (!isFull) return [];
  const [oldest] = within
    .filter((key) => isSpent(key, nowMs))
    .toSorted((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  if (oldest === undefined) {
    throw new DocketError('limit_reached', `There are ${within.length} keys, none of them revoked or expired.`);
  }
  return [{ kind: 'key', id: oldest.id }];
}

function isSpent({ revoked_at, expires_at }: ApiKey, nowMs: number): boolean {
  return revoked_at !== undefined || (expires_at !== undefined && Date.parse(expires_at) <= nowMs);
}

function expiryOf(text: string, nowMs: number): string {
  const micros = microsOfRfc3339(text);
  if (micros === null) throw invalidField('/expires_at', 'is not an RFC 3339 time with an offset');
  const expiresAtMs = Math.floor(micros / 1000);
  if (expiresAtMs <= nowMs) throw invalidField('/expires_at', 'is not in the future');
  return new Date(expiresAtMs).toISOString();
}

/** Decides to revoke a key; revoking twice keeps the first time. Throws not_found, also for a key beyond the caller's reach (I5). */
export function decideRevocation(
  directory: DirectoryReader,
  caller: Credential,
  id: string,
  now: string,
): Decision<ApiKey> {
  const key = findKey(directory, caller, id);
  if (key.revoked_at !== undefined) return { result: key };
  const revoked: ApiKey = { ...key, revoked_at: now };
  return { puts: [revoked], result: revoked };
}

/** Beside the new one: who rotates more often than its holders change over has lost count. */
const oldSecretsMax = 4;

/**
 * Decides to give a key another secret; those until now are taken for the overlap at most, and no longer than the key. Throws not_found, conflict for a key
 * that is of no use any more, limit_reached.
 */
export function decideRotation(
  directory: DirectoryReader,
  caller: Credential,
  made: MadeKey,
  { overlap_seconds: overlapSeconds = 86_400 }: RotateKeyBody,
  nowMs: number,
): Decision<ApiKey> {
  const key = findKey(directory, caller, made.id);
  if (isSpent(key, nowMs)) throw new DocketError('conflict', 'The key is revoked or has expired: make another one.');
  const until = new Date(nowMs + overlapSeconds * 1_000).toISOString();
  const oldSecrets = [...(key.old_secrets ?? []), { secret_sha256: key.secret_sha256, expires_at: until }]
    .map((old) => ({ ...old, expires_at: old.expires_at < until ? old.expires_at : until }))
    .filter(({ expires_at: end }) => Date.parse(end) > nowMs);
  if (oldSecrets.length > oldSecretsMax) {
    throw new DocketError(
      'limit_reached',
      `${oldSecretsMax} secrets from before are taken still; wait until one has expired.`,
    );
  }
  const rotated: ApiKey = {
    ...key,
    secret_sha256: made.secretSha256,
    rotated_at: new Date(nowMs).toISOString(),
    old_secrets: oldSecrets,
  };
  return { puts: [rotated], result: rotated };
}

export function findKey(directory: Pick<DirectoryReader, 'key'>, caller: Credential, id: string): ApiKey {
  const key = directory.key(id);
  if (key === undefined || !reachOf(caller).all(key.tenants)) throw new DocketError('not_found', 'No such key.');
  return key;
}

/** A key without its secrets' hashes. */
export function toPublicKey(key: ApiKey, nowMs: number, lastUsedAt: string | undefined): PublicKey {
  const { id, name, scopes, tenants, created_at, expires_at, revoked_at, rotated_at, old_secrets = [] } = key;
  const untilMs = Math.max(...old_secrets.map(({ expires_at: until }) => Date.parse(until)));
  return {
    id,
    name,
    scopes,
    tenants,
    created_at,
    ...(expires_at === undefined ? {} : { expires_at }),
    ...(revoked_at === undefined ? {} : { revoked_at }),
    ...(rotated_at === undefined ? {} : { rotated_at }),
    ...(untilMs > nowMs ? { old_secrets_until: new Date(untilMs).toISOString() } : {}),
    ...(lastUsedAt === undefined ? {} : { last_used_at: lastUsedAt }),
  };
}
