import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { apiKeySchema, subscriptionSchema, tenantSchema } from './entities.ts';
import type { Entity, EntityKind } from './entities.ts';

const schemas: Record<EntityKind, TSchema> = {
  tenant: tenantSchema,
  key: apiKeySchema,
  subscription: subscriptionSchema,
};

/** What a record of the directory topic says. */
export type DirectoryChange =
  | { readonly type: 'put'; readonly entity: Entity }
  | { readonly type: 'removed'; readonly kind: EntityKind; readonly id: string }
  /** A writer says that it has become the one writer. */
  | { readonly type: 'writer'; readonly writerId: string }
  /** A service says that a key was used. */
  | { readonly type: 'used'; readonly keyId: string; readonly atMs: number }
  /** Of another kind, such as the topology, or of a later version: not ours to judge. */
  | { readonly type: 'ignored'; readonly detail: string; readonly of?: EntityName }
  /** Of our kind and version, and broken. */
  | { readonly type: 'unreadable'; readonly detail: string; readonly of?: EntityName };

export interface EntityName {
  readonly kind: EntityKind;
  readonly id: string;
}

/** The key of an entity in the compacted topic, such as `tenant:acme`. */
export function recordKeyOf(kind: EntityKind, id: string): string {
  return `${kind}:${id}`;
}

export function recordOfEntity(entity: Entity): { key: string; value: Buffer } {
  return { key: recordKeyOf(entity.kind, entity.id), value: Buffer.from(JSON.stringify(entity)) };
}

/** Without the `:` of entities. Compaction keeps the last one, so every reader learns who writes now. */
const writerKey = 'writer';

export function recordOfWriter(writerId: string): { key: string; value: Buffer } {
  return { key: writerKey, value: Buffer.from(JSON.stringify({ version: 1, writer_id: writerId })) };
}

const usedPrefix = 'used:';

/** Beside the entities, and never decided on: when a key was last used. Services write it, not the one writer (key-uses.ts). */
export function usedRecordOf(keyId: string, atMs: number): { key: string; value: Buffer } {
  return {
    key: usedPrefix + keyId,
    value: Buffer.from(JSON.stringify({ version: 1, used_at: new Date(atMs).toISOString() })),
  };
}

/** What removes it, together with its key. */
export function usedTombstoneOf(keyId: string): { key: string; value: null } {
  return { key: usedPrefix + keyId, value: null };
}

/** Reads a record; total: whatever is on the topic, it gives a change and never throws. Details hold keys, never values. */
export function changeOfRecord(key: Buffer | null, value: Buffer | null): DirectoryChange {
  const name = key?.toString() ?? '';
  if (name === writerKey) return writerChange(value);
  if (name.startsWith(usedPrefix)) return usedChange(name.slice(usedPrefix.length), value);
  const separator = name.indexOf(':');
  const kind = kindOf(name.slice(0, Math.max(separator, 0)));
  if (kind === undefined) return { type: 'ignored', detail: `key ${JSON.stringify(name.slice(0, 64))}` };
  const id = name.slice(separator + 1);
  if (value === null) return { type: 'removed', kind, id };
  const parsed = parse(value);
  const version = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  const of = { kind, id };
  const unreadable = (detail: string): DirectoryChange => ({ type: 'unreadable', detail: `${name}: ${detail}`, of });
  if (typeof version === 'number' && version > 1) return { type: 'ignored', detail: `${name}: version ${version}`, of };
  const entity = checked(kind, parsed);
  if (entity === undefined) return unreadable(firstError(kind, parsed));
  if (entity.id !== id) return unreadable('the value has another id');
  // Or the key would never expire: nothing is before or after what is no time.
  if (entity.kind === 'key' && entity.expires_at !== undefined && Number.isNaN(Date.parse(entity.expires_at)))
    return unreadable('/expires_at is no time');
  return { type: 'put', entity };
}

function writerChange(value: Buffer | null): DirectoryChange {
  const parsed = value === null ? undefined : parse(value);
  const writerId =
    typeof parsed === 'object' && parsed !== null && 'writer_id' in parsed ? parsed.writer_id : undefined;
  return typeof writerId === 'string' ? { type: 'writer', writerId } : { type: 'unreadable', detail: writerKey };
}

function usedChange(keyId: string, value: Buffer | null): DirectoryChange {
  const parsed = value === null ? undefined : parse(value);
  const text = typeof parsed === 'object' && parsed !== null && 'used_at' in parsed ? parsed.used_at : undefined;
  const atMs = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) return { type: 'ignored', detail: `${usedPrefix}${keyId.slice(0, 64)}` };
  return { type: 'used', keyId, atMs };
}

function kindOf(text: string): EntityKind | undefined {
  return text === 'tenant' || text === 'key' || text === 'subscription' ? text : undefined;
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    return undefined;
  }
}

function checked(kind: EntityKind, value: unknown): Entity | undefined {
  switch (kind) {
    case 'tenant':
      return Value.Check(tenantSchema, value) ? value : undefined;
    case 'key':
      return Value.Check(apiKeySchema, value) ? value : undefined;
    case 'subscription':
      return Value.Check(subscriptionSchema, value) ? value : undefined;
  }
}

function firstError(kind: EntityKind, value: unknown): string {
  const error = Value.Errors(schemas[kind], value).First();
  return error === undefined ? 'invalid' : `${error.path} ${error.message}`;
}
