import { randomBytes } from 'node:crypto';
import { type Entry, type Listener, type NewEntry, sizeOf, startWithin } from './entry.ts';
import { createTenantCounts } from './tenant-counts.ts';
import type { Segment } from './segment.ts';

export interface MemorySegment extends Segment {
  /** Everything that is in it, to be moved to a disk that works again. */
  all(): readonly NewEntry[];
}

type KeptEntry = Entry & NewEntry;

/** In memory: lost with the process. The spool bounds it. */
export function createMemorySegment(): MemorySegment {
  let entries: KeptEntry[] = [];
  let head = 0;
  let bytes = 0;
  let lastPlace = 0;
  const listeners = new Map<number, Listener>();
  const rows = new Map<string, KeptEntry[]>();
  const held = createTenantCounts();

  return {
    kept: 'memory',
    id: randomBytes(4).toString('hex'),
    counterOf: () => 0,
    async append(added) {
      for (const entry of added) {
        lastPlace += 1;
        entries.push({ ...entry, place: lastPlace, isOwn: true });
        bytes += entry.bytes;
        if (entry.onSettled !== undefined) listeners.set(lastPlace, entry.onSettled);
      }
    },
    async peek(limits) {
      return startWithin(entries.slice(head, head + limits.eventsMax), limits);
    },
    async drop(dropped, keptBack = []) {
      const tenantOf = new Map(keptBack.map(({ place, tenantId }) => [place, tenantId]));
      for (const entry of entries.slice(head, head + dropped.length)) {
        bytes -= entry.bytes;
        const tenantId = tenantOf.get(entry.place);
        if (tenantId === undefined) listeners.delete(entry.place);
        else {
          held.add(tenantId, { events: 1, bytes: entry.bytes });
          const row = rows.get(tenantId);
          if (row === undefined) rows.set(tenantId, [entry]);
          else row.push(entry);
        }
      }
      head += dropped.length;
      // Moving the rest only when most is gone keeps a drop cheap on average.
      if (head * 2 >= entries.length) {
        entries = entries.slice(head);
        head = 0;
      }
    },
    heldTenants: () => held.tenants(),
    heldOf: (tenantId) => held.of(tenantId),
    heldSize: () => held.size(),
    peekHeld: async (tenantId, limits) => startWithin(rows.get(tenantId) ?? [], limits),
    async dropHeld(tenantId, dropped) {
      held.remove(tenantId, sizeOf(dropped));
      for (const { place } of dropped) listeners.delete(place);
      const left = (rows.get(tenantId) ?? []).slice(dropped.length);
      if (left.length > 0) rows.set(tenantId, left);
      else rows.delete(tenantId);
    },
    listenerOf: ({ place }) => listeners.get(place),
    size: () => ({ events: entries.length - head + held.size().events, bytes: bytes + held.size().bytes }),
    // Their numbers are those of this segment: another one does not go on counting from them.
    all: () =>
      [...[...rows.values()].flat(), ...entries.slice(head)]
        .sort((one, other) => one.place - other.place)
        .map((entry) => ({ ...entry, counted: undefined })),
  };
}
