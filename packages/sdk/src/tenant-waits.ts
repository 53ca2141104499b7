/** Until when tenants have to wait of whom the receiver takes no more for now. Times are in ms of one clock. */
export interface TenantWaits {
  /** The receiver has refused the tenant once more. Gives how many times it has in a row. */
  refused(tenantId: string): number;
  wait(tenantId: string, untilMs: number): void;
  /** Something of the tenant is settled; others come first now. */
  taken(tenantId: string, nowMs: number): void;
  /** Nothing of the tenant is held back any more. */
  forget(tenantId: string): void;
  isWaiting(tenantId: string, nowMs: number): boolean;
  /** Nobody waits. */
  isIdle(): boolean;
  /** Of these tenants, the one that has not had to wait for longest. */
  next(tenantIds: Iterable<string>, nowMs: number): string | undefined;
  /** How long until one of these tenants need not wait any more; undefined when there is none. */
  shortestMs(tenantIds: Iterable<string>, nowMs: number): number | undefined;
}

/** Bounded by its callers: a tenant that waits has at least one event in the spool. */
export function createTenantWaits(): TenantWaits {
  const waits = new Map<string, { untilMs: number; refusals: number }>();
  const untilMsOf = (tenantId: string): number => waits.get(tenantId)?.untilMs ?? 0;

  return {
    refused(tenantId) {
      const refusals = (waits.get(tenantId)?.refusals ?? 0) + 1;
      waits.set(tenantId, { untilMs: untilMsOf(tenantId), refusals });
      return refusals;
    },
    wait(tenantId, untilMs) {
      waits.set(tenantId, { untilMs, refusals: waits.get(tenantId)?.refusals ?? 0 });
    },
    taken: (tenantId, nowMs) => void waits.set(tenantId, { untilMs: nowMs, refusals: 0 }),
    forget: (tenantId) => void waits.delete(tenantId),
    isWaiting: (tenantId, nowMs) => untilMsOf(tenantId) > nowMs,
    isIdle: () => waits.size === 0,
    next(tenantIds, nowMs) {
      let found: string | undefined;
      for (const tenantId of tenantIds) {
        if (untilMsOf(tenantId) > nowMs) continue;
        if (found === undefined || untilMsOf(tenantId) < untilMsOf(found)) found = tenantId;
      }
      return found;
    },
    shortestMs(tenantIds, nowMs) {
      const waitsMs = [...tenantIds].map((tenantId) => Math.max(0, untilMsOf(tenantId) - nowMs));
      return waitsMs.length === 0 ? undefined : waitsMs.reduce((least, ms) => Math.min(least, ms));
    },
  };
}
