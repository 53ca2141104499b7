import { type BatchLimits, type Entry, type Listener, sizeOf, startWithin } from './entry.ts';
import { createTenantCounts } from './tenant-counts.ts';
import type { Held, Segment } from './segment.ts';
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
  let takesWrites = true;
  /** Of what is held back, the places and bytes of what is not in its tenant's row on disk, but behind it and where it was. */
  const stayed = new Map<string, Map<number, number>>();
  /** Something has stayed, so the disk forgets nothing more: after a crash all of it is sent once more, in its order. */
  let isHeadFixed = false;
  /** Where a row on disk begins of which the start could not be removed. */
  const rowHeads = new Map<string, number>();

  function failWriting(error: unknown): void {
    takesWrites = false;
    onFault('writing to', error);
  }

  async function compactIfWorth(): Promise<void> {
    if (events > 0 || removedBytes < compactBytesMin) return;
    removedBytes = 0;
    await store.compact().catch(failWriting);
  }

  /** Gives whether what is held back is in its rows on disk. */
  async function remove(toPlace: number, keptBack: readonly Held[]): Promise<boolean> {
    // Of what is written after a failure, the first may be unreadable later, and the last not: the events would be in neither place.
    if (!takesWrites && keptBack.length > 0) isHeadFixed = true;
    if (isHeadFixed) return false;
    try {
      await store.remove(toPlace, keptBack);
      return true;
    } catch (error) {
      isHeadFixed = keptBack.length > 0;
      failWriting(error);
      return false;
    }
  }

  function stay({ tenantId, place, bytes: size }: Held): void {
    const row = stayed.get(tenantId) ?? new Map<number, number>();
    stayed.set(tenantId, row.set(place, size));
  }

  /** The oldest of what has stayed; of what is read, some may not be of the row. */
  async function readStayed(row: ReadonlyMap<number, number>, limits: BatchLimits): Promise<StoredEntry[]> {
    const [first = 0] = row.keys();
    const entries = await store.read(first - 1, limits);
    return entries[0]?.place === first ? entries.filter(({ place }) => row.has(place)) : [];
  }

  const owned = (entry: StoredEntry): Entry => ({ ...entry, isOwn: entry.place > store.lastPlace });

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
      await store.append(placed).catch((error: unknown) => {
        takesWrites = false;
        throw error;
      });
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
        if (entries.length > 0) return entries.map(owned);
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
      if (last === undefined) return;
      if (!(await remove(last.place, keptBack))) keptBack.forEach(stay);
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
    },
    heldTenants: () => held.tenants(),
    heldOf: (tenantId) => held.of(tenantId),
    heldSize: () => held.size(),
    async peekHeld(tenantId, limits) {
      const behindRow = stayed.get(tenantId) ?? new Map<number, number>();
      const isRowLeft = held.of(tenantId).events > behindRow.size;
      try {
        const entries = isRowLeft
          ? await store.readHeld(tenantId, rowHeads.get(tenantId) ?? 0, limits)
          : await readStayed(behindRow, limits);
        if (entries.length > 0) return entries.map(owned);
        giveUp(new Error('events that were held back are not there'));
      } catch (error) {
        giveUp(error);
      }
      held.remove(tenantId, held.of(tenantId));
      if (isRowLeft) for (const size of behindRow.values()) held.add(tenantId, { events: 1, bytes: size });
      else stayed.delete(tenantId);
      return [];
    },
    async dropHeld(tenantId, dropped) {
      const last = dropped.at(-1);
      if (last === undefined) return;
      held.remove(tenantId, sizeOf(dropped));
      for (const { place } of dropped) listeners.delete(place);
      const behindRow = stayed.get(tenantId);
      if (behindRow?.has(last.place) === true) {
        for (const { place } of dropped) behindRow.delete(place);
        if (behindRow.size === 0) stayed.delete(tenantId);
        return;
      }
      try {
        await store.removeHeld(tenantId, last.place);
        rowHeads.delete(tenantId);
      } catch (error) {
        rowHeads.set(tenantId, last.place);
        failWriting(error);
      }
    },
    listenerOf: ({ place }) => listeners.get(place),
    size: () => ({ events: events + held.size().events, bytes: bytes + held.size().bytes }),
  };
}
