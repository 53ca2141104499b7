import type { Size, TenantSizes } from './entry.ts';

/** How much there is of each tenant. */
export interface TenantCounts {
  add(tenantId: string, size: Size): void;
  remove(tenantId: string, size: Size): void;
  tenants(): Iterable<string>;
  of(tenantId: string): Size;
  /** Of all tenants. */
  size(): Size;
}

const nothing: Size = { events: 0, bytes: 0 };

export function createTenantCounts(before: TenantSizes = new Map()): TenantCounts {
  /** A tenant of whom there is nothing is not in it. */
  const counts = new Map<string, Size>();
  let total = nothing;

  function add(tenantId: string, { events, bytes }: Size): void {
    const known = counts.get(tenantId) ?? nothing;
    total = { events: total.events + events, bytes: total.bytes + bytes };
    if (known.events + events > 0) counts.set(tenantId, { events: known.events + events, bytes: known.bytes + bytes });
    else counts.delete(tenantId);
  }

  for (const [tenantId, size] of before) add(tenantId, size);
  return {
    add,
    remove: (tenantId, { events, bytes }) => add(tenantId, { events: -events, bytes: -bytes }),
    tenants: () => counts.keys(),
    of: (tenantId) => counts.get(tenantId) ?? nothing,
    size: () => total,
  };
}
