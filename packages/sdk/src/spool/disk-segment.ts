import { type Listener, sizeOf, startWithin } from './entry.ts';
import { createTenantCounts } from './tenant-counts.ts';
import type { Segment } from './segment.ts';
import type { SpoolStore, StoredEntry } from './spool-store.ts';

export interface DiskSegment extends Segment {
  readonly store: SpoolStore;
  /** It holds events that could not be read, and that it counts no longer. */
  hasUnread(): boolean;
  /** This process has put something into it. */
  hasOwn(): boolean;
}

/** What the disk did not do, for a sentence that ends in "the spool". */
export type Fault = 'opening' | 'writing to' | 'reading';

/** So much removed since the last time makes it worth giving the room back to the disk. */
const compactBytesMin = 32 * 1024 * 1024;
/** So much of what was just written need not be read again: more than is under way as long as the receiver keeps up. */
const atHandBytesMax = 1024 * 1024;

/** @param onFault the disk does not take or give what it should. */
export function createDiskSegment(store: SpoolStore, onFault: (fault: Fault, error: unknown) => void): DiskSegment {
  const listeners = new Map<number, Listener>();
  let head = store.head;
  let lastPlace = store.lastPlace;
  let { events, bytes } = store.backlog;
  let removedBytes = 0;
  let isUnread = false;
  /** Of what waits and is not held back, the oldest, as long as it is in memory, too: all of it, but where too much has come at once. */
  let atHand: StoredEntry[] = [];
  let atHandBytes = 0;
  const held = createTenantCounts(store.held);

  async function compactIfWorth(): Promise<void> {
    if (events > 0 || removedBytes < compactBytesMin) return;
    removedBytes = 0;
    await store.compact().catch((error: unknown) => onFault('writing to', error));
  }

  function keepAtHand(added: readonly StoredEntry[]): void {
    const bytesAdded = sizeOf(added).bytes;
    if (atHand.length < events || atHandBytes + bytesAdded > atHandBytesMax) return;
    for (const { place, text, bytes: size } of added) atHand.push({ place, text, bytes: size });
    atHandBytes += bytesAdded;
  }

  function dropAtHand(toPlace: number): void {
    const left = atHand.filter(({ place }) => place > toPlace);
    atHandBytes = sizeOf(left).bytes;
    atHand = left;
  }

  /** What cannot be read must not hold up what can. */
  function giveUp(error: unknown): void {
    isUnread = true;
    onFault('reading', error);
  }

  return {
    kept: 'disk',
    store,
    hasUnread: () => isUnread,
    hasOwn: () => lastPlace > store.lastPlace,
    id: store.id,
    counterOf: (tenantId) => store.counterOf(tenantId),
    async append(added) {
      const placed = added.map((entry, index) => ({ ...entry, place: lastPlace + 1 + index }));
      await store.append(placed);
      lastPlace += placed.length;
      keepAtHand(placed);
      for (const entry of placed) {
        bytes += entry.bytes;
        if (entry.onSettled !== undefined) listeners.set(entry.place, entry.onSettled);
      }
      events += placed.length;
    },
    async peek(limits) {
      if (events === 0) return [];
      if (atHand.length > 0) return startWithin(atHand, limits).map((entry) => ({ ...entry, isOwn: true }));
      try {
        // No further than is counted: what is being written now is read next time.
        const entries = await store.read(head, { ...limits, eventsMax: Math.min(limits.eventsMax, events) });
        if (entries.length > 0) return entries.map((entry) => ({ ...entry, isOwn: entry.place > store.lastPlace }));
        giveUp(new Error(`${events} events are not there`));
      } catch (error) {
        giveUp(error);
      }
      events = 0;
      bytes = 0;
      return [];
    },
    async drop(dropped, keptBack = []) {
      const last = dropped.at(-1);
      if (last === undefined) return true;
      try {
        await store.remove(last.place, keptBack);
      } catch (error) {
        onFault('writing to', error);
        if (keptBack.length > 0) return false;
      }
      head = last.place;
      dropAtHand(head);
      events -= dropped.length;
      const isKeptBack = new Set(keptBack.map(({ place }) => place));
      for (const entry of dropped) {
        bytes -= entry.bytes;
        removedBytes += entry.bytes;
        if (!isKeptBack.has(entry.place)) listeners.delete(entry.place);
      }
      for (const { tenantId, bytes: size } of keptBack) held.add(tenantId, { events: 1, bytes: size });
      await compactIfWorth();
      return true;
    },
    heldTenants: () => held.tenants(),
    heldOf: (tenantId) => held.of(tenantId),
    heldSize: () => held.size(),
    async peekHeld(tenantId, limits) {
      try {
        const entries = await store.readHeld(tenantId, limits);
        if (entries.length > 0) return entries.map((entry) => ({ ...entry, isOwn: entry.place > store.lastPlace }));
        giveUp(new Error('events that were held back are not there'));
      } catch (error) {
        giveUp(error);
      }
      held.remove(tenantId, held.of(tenantId));
      return [];
    },
    async dropHeld(tenantId, dropped) {
      const last = dropped.at(-1);
      if (last === undefined) return;
      held.remove(tenantId, sizeOf(dropped));
      for (const { place } of dropped) listeners.delete(place);
      try {
        await store.removeHeld(tenantId, last.place);
      } catch (error) {
        onFault('writing to', error);
      }
    },
    listenerOf: ({ place }) => listeners.get(place),
    size: () => ({ events: events + held.size().events, bytes: bytes + held.size().bytes }),
  };
}
