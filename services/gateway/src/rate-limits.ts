import { LRUCache } from 'lru-cache';

import { fits, levelOf, rateLimitHeaders, secondsUntilFit } from './rate-limit-policy.ts';
import type { Bucket, Limit, Standing } from './rate-limit-policy.ts';

export type Taken =
  | { readonly ok: true; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly ok: false;
      readonly by: 'key' | 'tenant';
      /** Those over their limit, in the order of the request. */
      readonly tenants: readonly string[];
      readonly retryAfterSeconds: number;
      readonly headers: Readonly<Record<string, string>>;
    };

export interface RateLimits {
  /** Takes one event of a key's quota: what any request costs, before its body is read. */
  begin(keyId: string, nowMs: number): Taken;
  /** After `begin`: takes further events from the key's quota and all from each tenant's, or nothing when one of them has too little. */
  take(keyId: string, further: number, eventsOf: ReadonlyMap<string, number>, nowMs: number): Taken;
  /** I8: tenants whose quota is being counted. */
  readonly tenantsTracked: () => number;
}

/** I8: of keys and of tenants alike. One that was forgotten begins with a whole quota; the least recently used goes first. */
export const trackedMax = 20_000;

/**
 * I7: what one key and one tenant may send a second, at this process. A rate of 0 sets no limit. All or nothing over several quotas, and bounded in how
 * many it tracks: that is why the buckets are ours, and only their store is a library's (decisions/0024).
 */
export function createRateLimits(rates: { readonly key: number; readonly tenant: number }): RateLimits {
  const limits = { key: { eventsPerSecond: rates.key }, tenant: { eventsPerSecond: rates.tenant } };
  const buckets = {
    key: new LRUCache<string, Bucket>({ max: trackedMax }),
    tenant: new LRUCache<string, Bucket>({ max: trackedMax }),
  };

  const standingOf = (name: 'key' | 'tenant', id: string, nowMs: number): Omit<Standing, 'events' | 'paidEvents'> => {
    const limit: Limit = limits[name];
    return { name, limit, level: levelOf(buckets[name].get(id), limit, nowMs) };
  };

  const judge = (standings: ReadonlyMap<Standing, string>): Taken => {
    const over = [...standings.keys()].filter((standing) => !fits(standing));
    const headers = rateLimitHeaders([...standings.keys()]);
    const [first] = over;
    if (first === undefined) return { ok: true, headers };
    const tenants = over.flatMap((standing) => (standing.name === 'tenant' ? [standings.get(standing) ?? ''] : []));
    const retryAfterSeconds = Math.max(...over.map(secondsUntilFit));
    return { ok: false, by: first.name, tenants, retryAfterSeconds, headers };
  };

  const takeBoth = (
    {
      keyId,
      events: ofKey,
      paidEvents,
    }: { readonly keyId: string; readonly events: number; readonly paidEvents: number },
    eventsOf: ReadonlyMap<string, number>,
    nowMs: number,
  ): Taken => {
    const standings = new Map<Standing, string>();
    if (rates.key > 0) standings.set({ ...standingOf('key', keyId, nowMs), events: ofKey, paidEvents }, keyId);
    if (rates.tenant > 0) {
      for (const [id, events] of eventsOf)
        standings.set({ ...standingOf('tenant', id, nowMs), events, paidEvents: 0 }, id);
    }
    const verdict = judge(standings);
    if (!verdict.ok) return verdict;
    for (const [{ name, level, events }, id] of standings) {
      buckets[name].set(id, { level: level - events, atMs: nowMs });
    }
    return verdict;
  };

  return {
    tenantsTracked: () => buckets.tenant.size,
    begin: (keyId, nowMs) => takeBoth({ keyId, events: 1, paidEvents: 0 }, new Map(), nowMs),
    take: (keyId, further, eventsOf, nowMs) => takeBoth({ keyId, events: further, paidEvents: 1 }, eventsOf, nowMs),
  };
}
