import type { Gauge } from 'prom-client';

/** Who takes a place: a credential, for a tenant. */
export interface PlaceHolder {
  readonly tenantId: string;
  /** As `limitedAs` names it. */
  readonly keyId: string;
}

export type PlaceLimit = 'process' | 'tenant' | 'key';

export interface PlaceLimits {
  readonly processMax: number;
  readonly tenantMax: number;
  readonly keyMax: number;
}

export type Place =
  | { readonly ok: true; /** To be called once. */ readonly leave: () => void }
  | { readonly ok: false; readonly limit: PlaceLimit; readonly max: number };

export interface Places {
  /** Takes a place, or says at once which limit is reached: nothing queues here (I8). */
  enter(holder: PlaceHolder): Place;
}

/**
 * Counts who does something at once: so many in the process, fewer of one tenant and of one key, so that neither can take all
 * places (I7). Tenants and keys that hold nothing are forgotten.
 */
export function createPlaces({ processMax, tenantMax, keyMax }: PlaceLimits, taken: Pick<Gauge, 'set'>): Places {
  const tenants = new Map<string, number>();
  const keys = new Map<string, number>();
  let places = 0;

  const add = (change: 1 | -1, { tenantId, keyId }: PlaceHolder): void => {
    places += change;
    taken.set(places);
    for (const [counts, name] of [
      [tenants, tenantId],
      [keys, keyId],
    ] as const) {
      const count = (counts.get(name) ?? 0) + change;
      if (count === 0) counts.delete(name);
      else counts.set(name, count);
    }
  };

  return {
    enter(holder) {
      if ((keys.get(holder.keyId) ?? 0) >= keyMax) return { ok: false, limit: 'key', max: keyMax };
      if ((tenants.get(holder.tenantId) ?? 0) >= tenantMax) return { ok: false, limit: 'tenant', max: tenantMax };
      if (places >= processMax) return { ok: false, limit: 'process', max: processMax };
      add(1, holder);
      return { ok: true, leave: () => add(-1, holder) };
    },
  };
}
