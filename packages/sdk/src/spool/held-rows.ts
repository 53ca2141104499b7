import type { HeldRows } from './entry.ts';

interface Sized {
  readonly bytes: number;
}

/** How much of each tenant a segment holds back. */
export interface HeldCounts {
  add(tenantId: string, entries: readonly Sized[]): void;
  remove(tenantId: string, entries: readonly Sized[]): void;
  forget(tenantId: string): void;
  tenants(): Iterable<string>;
  size(): { readonly events: number; readonly bytes: number };
}

export function createHeldRows(before: HeldRows = new Map()): HeldCounts {
  /** A tenant of whom nothing is held back is not in it. */
  const rows = new Map(before);
  const total = { events: 0, bytes: 0 };

  function change(tenantId: string, events: number, bytes: number): void {
    const row = rows.get(tenantId) ?? { events: 0, bytes: 0 };
    const changed = { events: row.events + events, bytes: row.bytes + bytes };
    total.events += events;
    total.bytes += bytes;
    if (changed.events > 0) rows.set(tenantId, changed);
    else rows.delete(tenantId);
  }

  for (const { events, bytes } of rows.values()) {
    total.events += events;
    total.bytes += bytes;
  }
  const bytesOf = (entries: readonly Sized[]): number => entries.reduce((sum, { bytes }) => sum + bytes, 0);

  return {
    add: (tenantId, entries) => change(tenantId, entries.length, bytesOf(entries)),
    remove: (tenantId, entries) => change(tenantId, -entries.length, -bytesOf(entries)),
    forget(tenantId) {
      const { events = 0, bytes = 0 } = rows.get(tenantId) ?? {};
      change(tenantId, -events, -bytes);
    },
    tenants: () => rows.keys(),
    size: () => total,
  };
}
