/** Running numbers are kept for this many tenants; events of further tenants carry none (I8). */
const countedTenantsMax = 100_000;

/**
 * `source.counter`: 1, 2, 3, … for each tenant within this process. A number is used up by an event that then cannot be
 * queued, so a hole shows the loss.
 */
export function createTenantCounters(): (tenantId: string | undefined) => number | undefined {
  const last = new Map<string, number>();
  return (tenantId) => {
    if (tenantId === undefined) return undefined;
    const next = (last.get(tenantId) ?? 0) + 1;
    if (next === 1 && last.size >= countedTenantsMax) return undefined;
    last.set(tenantId, next);
    return next;
  };
}
