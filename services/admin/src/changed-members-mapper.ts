import type { ApiKey, Entity, EntityChange, SealedHeaders } from '@docket/directory';
import { canonicalJson, changeValueBytesMax, membersByPath } from '@docket/event';
import type { EventInput } from '@docket/event';

import { toPublicSubscription } from './subscription-policy.ts';
import { toPublicTenant } from './tenant-policy.ts';

type Changes = NonNullable<EventInput['changes']>;

/** The members that every change changes, or that name the entity: they say nothing. */
const untold = new Set(['id', 'created_at', 'updated_at', 'rotated_at']);

/**
 * What a change changes, by the names of the members, without secrets: of one that is new, all that it has, of one that is gone, all that it had. Of a
 * secret it is said that it is another one, of a URL only the origin is told, because receivers' URLs hold tokens. A value beyond what a change may
 * have (8 KiB) is left out, its member is named.
 */
export function changedMembers({ before, after }: EntityChange): Changes {
  const [was, is] = [membersOf(before), membersOf(after)];
  const paths = [...new Set([...was.keys(), ...is.keys()])].filter((path) => {
    const [old, now] = [was.get(path), is.get(path)];
    return old?.identity !== now?.identity;
  });
  return paths.map((path) => ({ path, ...told('old', was.get(path)), ...told('new', is.get(path)) }));
}

/** I5: of a key for several tenants, none is told which the others are, nor its name, which may say so. */
export function isSharedKey(entity: Entity): boolean {
  return entity.kind === 'key' && entity.tenants !== '*' && entity.tenants.length > 1;
}

/** A value, and what it is compared by. Without a value it is only said that there is another one. */
interface Member {
  readonly identity: string;
  readonly value?: unknown;
}

function told<Name extends 'old' | 'new'>(name: Name, member: Member | undefined): { readonly [N in Name]?: unknown } {
  const none: { readonly [N in Name]?: unknown } = {};
  if (member?.value === undefined) return none;
  return { ...none, [name]: member.value };
}

function membersOf(entity: Entity | undefined): ReadonlyMap<string, Member> {
  const members = new Map<string, Member>();
  if (entity === undefined) return members;
  // Objects are gone through, so that a change of one member of a sink is a change of that member.
  for (const [path, value] of membersByPath(shownOf(entity))) {
    if (value !== undefined && !untold.has(path)) members.set(path, memberOf(path, wellFormed(value)));
  }
  // The same names may have other values.
  const headers = headersOf(entity);
  if (headers !== undefined) members.set('sink.headers', { identity: headers.sealed, value: headers.names });
  const [name, secret] = secretOf(entity);
  if (secret !== '') members.set(name, { identity: secret });
  return members;
}

function headersOf(entity: Entity): SealedHeaders | undefined {
  return entity.kind === 'subscription' && entity.sink.type === 'webhook' ? entity.sink.headers : undefined;
}

function memberOf(path: string, value: unknown): Member {
  const identity = canonicalJson(value);
  if (Buffer.byteLength(identity) > changeValueBytesMax) return { identity };
  if (path === 'sink.url' && typeof value === 'string') return { identity, value: originOf(value) };
  return { identity, value };
}

/** JSON holds lone surrogates, an event does not. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  return Array.isArray(value) ? value.map(wellFormed) : value;
}

function originOf(url: string): string {
  if (!URL.canParse(url)) return '…';
  const { origin, pathname, search } = new URL(url);
  return pathname === '/' && search === '' ? origin : `${origin}/…`;
}

function shownOf(entity: Entity): object {
  switch (entity.kind) {
    case 'tenant':
      return toPublicTenant(entity);
    case 'key':
      return isSharedKey(entity) ? { ...shownKey(entity), name: undefined, tenants: undefined } : shownKey(entity);
    case 'subscription':
      return { ...toPublicSubscription(entity, () => false), resume_from: entity.resume?.received_from };
  }
}

function shownKey({ name, scopes, tenants, expires_at, revoked_at, old_secrets }: ApiKey): object {
  return { name, scopes, tenants, expires_at, revoked_at, old_secrets_until: old_secrets?.at(-1)?.expires_at };
}

/** What the secret of an entity is called, and by what it is known as another one; no part of that is told. */
function secretOf(entity: Entity): readonly [string, string] {
  switch (entity.kind) {
    case 'tenant':
      return ['', ''];
    case 'key':
      return ['secret', entity.secret_sha256];
    case 'subscription':
      return [entity.sink.type === 'webhook' ? 'sink.secret' : 'sink.token', entity.sink.secrets[0]?.sealed ?? ''];
  }
}
