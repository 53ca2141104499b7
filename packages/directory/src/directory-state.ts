import type { DirectoryChange, EntityName } from './directory-record-mapper.ts';
import type { ApiKey, Entity, EntityKind, Subscription, Tenant } from './entities.ts';

/** What readers may ask. Answers are as of the last record that was applied. */
export interface DirectoryReader {
  tenant(id: string): Tenant | undefined;
  tenants(): readonly Tenant[];
  key(id: string): ApiKey | undefined;
  keys(): readonly ApiKey[];
  /** When a key was last used, as of half a minute ago (RFC 3339); undefined: never, as far as is known. */
  keyUsedAt(id: string): string | undefined;
  subscription(id: string): Subscription | undefined;
  /** Whether there is a record of it, also one that this version cannot read: absence alone is a removal. */
  hasSubscription(id: string): boolean;
  subscriptions(): readonly Subscription[];
  subscriptionsOf(tenantId: string): readonly Subscription[];
}

export interface DirectoryState extends DirectoryReader {
  /** Applies a change; gives the entity that it put or took away, or undefined when it says nothing about an entity. Applying twice changes nothing. */
  apply(change: DirectoryChange): EntityName | undefined;
}

/** I8: twice as many as there may be keys. */
const usesMax = 40_000;

/** The directory in memory: maps by id, and subscriptions by tenant, because delivery asks for those with every batch. */
export function createDirectoryState(): DirectoryState {
  const tenants = new Map<string, Tenant>();
  const keys = new Map<string, ApiKey>();
  /** A use may be read before its key, which was written anew since: so it is kept for keys that are not there, too. */
  const usedAtMs = new Map<string, number>();
  const subscriptions = new Map<string, Subscription>();
  const byTenant = new Map<string, Map<string, Subscription>>();
  const unreadSubscriptions = new Set<string>();

  const forgetSubscription = (id: string): void => {
    unreadSubscriptions.delete(id);
    const known = subscriptions.get(id);
    if (known === undefined) return;
    subscriptions.delete(id);
    const siblings = byTenant.get(known.tenant_id);
    siblings?.delete(id);
    if (siblings?.size === 0) byTenant.delete(known.tenant_id);
  };

  const put = (entity: Entity): void => {
    switch (entity.kind) {
      case 'tenant':
        tenants.set(entity.id, entity);
        return;
      case 'key':
        keys.set(entity.id, entity);
        return;
      case 'subscription': {
        forgetSubscription(entity.id);
        subscriptions.set(entity.id, entity);
        const siblings = byTenant.get(entity.tenant_id) ?? new Map<string, Subscription>();
        siblings.set(entity.id, entity);
        byTenant.set(entity.tenant_id, siblings);
      }
    }
  };

  const remove = (kind: EntityKind, id: string): void => {
    if (kind === 'tenant') tenants.delete(id);
    else if (kind === 'key') {
      keys.delete(id);
      usedAtMs.delete(id);
    } else forgetSubscription(id);
  };

  /** Several services tell, each some moments late: the latest counts. */
  const noteUse = (id: string, atMs: number): void => {
    if (usedAtMs.has(id) || usedAtMs.size < usesMax) usedAtMs.set(id, Math.max(atMs, usedAtMs.get(id) ?? 0));
  };

  return {
    apply: (change) => {
      if (change.type === 'put') {
        put(change.entity);
        return { kind: change.entity.kind, id: change.entity.id };
      }
      if (change.type === 'used') noteUse(change.keyId, change.atMs);
      if ('of' in change && change.of.kind === 'subscription') unreadSubscriptions.add(change.of.id);
      if (change.type !== 'removed') return undefined;
      remove(change.kind, change.id);
      return { kind: change.kind, id: change.id };
    },
    tenant: (id) => tenants.get(id),
    tenants: () => [...tenants.values()],
    key: (id) => keys.get(id),
    keys: () => [...keys.values()],
    keyUsedAt: (id) => {
      const atMs = usedAtMs.get(id);
      return atMs === undefined ? undefined : new Date(atMs).toISOString();
    },
    subscription: (id) => subscriptions.get(id),
    hasSubscription: (id) => subscriptions.has(id) || unreadSubscriptions.has(id),
    subscriptions: () => [...subscriptions.values()],
    subscriptionsOf: (tenantId) => [...(byTenant.get(tenantId)?.values() ?? [])],
  };
}
