import { reasonOf } from '../error-fields.ts';
import { createDiskSegment, type DiskSegment, type Fault } from './disk-segment.ts';
import {
  type BatchLimits,
  type Draft,
  type Entry,
  type Kept,
  type Listener,
  type NewEntry,
  type Size,
  startWithin,
  tenantIdOf,
} from './entry.ts';
import { type Appended, createIntake } from './intake.ts';
import { createMemorySegment, type MemorySegment } from './memory-segment.ts';
import { createNumbering } from './numbering.ts';
import { type Fullness, fullnessOf } from './room-policy.ts';
import type { Held } from './segment.ts';
import type { Slots } from './slots.ts';
import type { SpoolStore } from './spool-store.ts';
import { createTenantCounts } from './tenant-counts.ts';
import { createTurns } from './turns.ts';

export interface SpoolOptions {
  /** Undefined: everything is kept in memory. */
  readonly slots: Slots | undefined;
  /** On disk. */
  readonly bytesMax: number;
  /** Without a disk, or while it fails. */
  readonly memory: { readonly eventsMax: number; readonly bytesMax: number };
  /** How long an event waits for room in a full spool; 0: not at all. */
  readonly waitForRoomMs: number;
  /** How often spools of dead processes are looked for. */
  readonly adoptIntervalMs: number | undefined;
  /** The event's whole text: its body, and its source, which has the id of where it is kept and its running number there, if it is numbered. */
  readonly textOf: (draft: Draft, spoolId: string, counter: number | undefined) => string;
  /** An event of the tenant is being kept: from now on it is settled one day, after those before it. */
  readonly onKeep: (tenantId: string) => void;
  /** Of these, some cannot be read, and are not settled by this process. */
  readonly onUnread: () => void;
  /** The disk fails; events are kept in memory. Told once for each time. */
  readonly onFault: (detail: string) => void;
  /** There is something to send; whether somebody waits for what becomes of it. */
  readonly onEntries: (isWaitedFor: boolean) => void;
}

/** What `peek` found. */
export interface Batch {
  readonly entries: readonly Entry[];
  readonly listenerOf: (entry: Entry) => Listener | undefined;
  /** Takes the entries out, but for those held back, which wait in the row of their tenant. */
  drop(held?: readonly Held[]): Promise<void>;
}

export interface SpoolSize extends Size {
  readonly kept: Kept | 'opening';
  /** Of what is kept where the next event is. */
  readonly bytesMax: number;
  /** Of the events, those held back. */
  readonly heldEvents: number;
  /** Of these, in memory only. */
  readonly memoryEvents: number;
}

/** Events that are recorded and not yet in the log. Bounded (I8). */
export interface Spool {
  /** Resolves when the event is kept, or when it will not be. Never rejects. */
  append(draft: Draft): Promise<Appended>;
  /** A running number is used up by an event that is lost before it is kept, if it is numbered: the hole shows. */
  skip(draft: Pick<Draft, 'tenantId' | 'isNumbered'>): void;
  /** Everything appended so far is kept or refused. */
  written(): Promise<void>;
  /** The oldest events, at least one if there is any, within both limits. Not before the last batch was dropped or given up. */
  peek(limits: BatchLimits): Promise<Batch | undefined>;
  /** The tenants of whom something is held back: the receiver takes no more of them for now. */
  heldTenants(): ReadonlySet<string>;
  /** The oldest events that are held back of a tenant, as `peek`. */
  peekHeld(tenantId: string, limits: BatchLimits): Promise<Batch | undefined>;
  size(): SpoolSize;
  /** Waits for what is being written, and lets other processes have what is left on disk. */
  close(): Promise<void>;
}

/** A disk that failed is tried again after so long, then after twice as long, and so on up to the most. */
const mendDelaysMs = { first: 1_000, most: 60_000 };
/** Spools that failed and are not sent yet. With more of them, events stay in memory. */
const faultsMax = 4;
/** Room for a new spool's own files. */
const roomBytesMin = 1024 * 1024;

export function createSpool(options: SpoolOptions): Spool {
  const { slots, memory, bytesMax } = options;
  /** Who changes the last segment, or writes into it. */
  const inTurn = createTurns();
  const numbering = createNumbering();
  /** What this process has recorded and not sent, but for what is held back, which the segments count. */
  let notHeld = createTenantCounts();
  /** Adopted ones, ours, what is in memory: in the order of sending. */
  let segments: (DiskSegment | MemorySegment)[] = [];
  const faults = new Map<DiskSegment, Fault>();
  let mendAtMs = 0;
  let mendDelayMs = mendDelaysMs.first;
  let adopting: Promise<void> | undefined;
  let firstTenant: string | undefined;
  /** Events of more than one tenant have come. */
  let isShared = false;
  let isClosed = false;

  const lastSegment = (): DiskSegment | MemorySegment => {
    const last = segments.at(-1);
    if (last !== undefined) return last;
    const first = createMemorySegment();
    segments.push(first);
    return first;
  };

  /** From now on events are kept in memory, unless it is an older segment that fails: they go past that one anyway. */
  function fail(segment: DiskSegment | undefined, fault: Fault, error: unknown): void {
    if (fault === 'reading' && segment?.hasUnread() === true) {
      // What is not there any more is never taken out.
      notHeld = createTenantCounts();
      if (segment.hasOwn()) options.onUnread();
    }
    const known = segment && faults.get(segment);
    // Not to be read is the worse fault, and news also of a disk that takes nothing more.
    if (known !== undefined && (known === fault || known === 'reading')) return;
    if (segment !== undefined) faults.set(segment, fault);
    if (segment === segments.at(-1)) {
      segments.push(createMemorySegment());
      mendAtMs = performance.now() + mendDelayMs;
      mendDelayMs = Math.min(mendDelaysMs.most, mendDelayMs * 2);
    }
    options.onFault(`${fault} the spool: ${reasonOf(error)}`);
  }

  function enter(store: SpoolStore): DiskSegment {
    const segment: DiskSegment = createDiskSegment(store, (fault, error) => fail(segment, fault, error));
    return segment;
  }

  async function open(): Promise<void> {
    if (slots === undefined) return;
    try {
      segments.push(enter(await slots.own()));
    } catch (error) {
      fail(undefined, 'opening', error);
      return;
    }
    await adopt();
  }

  async function adopt(): Promise<void> {
    const found = await slots?.abandoned().catch(() => []);
    segments.unshift(...(found ?? []).map(enter));
    if (segments.some((segment) => segment.size().events > 0)) options.onEntries(false);
  }

  /** The running number of each that is numbered, in the segment where it will be kept: not in one that cannot tell how far it has counted. */
  function numbered(drafts: readonly Draft[]): {
    segment: DiskSegment | MemorySegment;
    counters: (number | undefined)[];
  } {
    const segment = lastSegment();
    try {
      const counterOf = ({ tenantId, isNumbered }: Draft): number | undefined =>
        isNumbered ? numbering.next(segment, tenantId) : undefined;
      return { segment, counters: drafts.map(counterOf) };
    } catch (error) {
      if (!('store' in segment)) throw error;
      fail(segment, 'reading', error);
      return numbered(drafts);
    }
  }

  function keep(drafts: readonly Draft[]): Promise<Kept> {
    return inTurn(async () => {
      const { segment, counters } = numbered(drafts);
      const entries = drafts.map((draft, index): NewEntry => {
        const counter = counters[index];
        const text = options.textOf(draft, segment.id, counter);
        const { tenantId, onSettled } = draft;
        const counted = counter === undefined ? undefined : { tenantId, counter };
        return { text, bytes: Buffer.byteLength(text), onSettled, counted };
      });
      drafts.forEach(({ tenantId, bytes }, index) => {
        notHeld.add(tenantId, { events: 0, bytes: (entries[index]?.bytes ?? 0) - bytes });
        options.onKeep(tenantId);
      });
      try {
        await segment.append(entries);
        return segment.kept;
      } catch (error) {
        if ('store' in segment) fail(segment, 'writing to', error);
        // With the same text: should the disk have it all the same, the second is a repetition and no other event.
        await lastSegment().append(entries);
        return 'memory';
      }
    });
  }

  /** Goes back to the disk when it takes writes again: what is in memory is written behind what is there. */
  async function mend(): Promise<void> {
    const last = segments.at(-1);
    if (slots === undefined || last === undefined || !('all' in last) || performance.now() < mendAtMs) return;
    mendAtMs = performance.now() + mendDelayMs;
    if (faults.size >= faultsMax) return;
    if (!(await slots.hasRoom(roomBytesMin + 2 * last.size().bytes).catch(() => true))) return;
    await inTurn(async () => {
      let store: SpoolStore | undefined;
      try {
        store = await slots.own();
        const segment = enter(store);
        const held = [...last.heldTenants()].map((tenantId) => [tenantId, last.heldOf(tenantId)] as const);
        for (let rest = last.all(); rest.length > 0;) {
          const chunk = startWithin(rest, moveLimits);
          await segment.append(chunk);
          rest = rest.slice(chunk.length);
        }
        segments.splice(-1, 1, segment);
        for (const [tenantId, size] of held) notHeld.add(tenantId, size);
        mendDelayMs = mendDelaysMs.first;
      } catch {
        mendDelayMs = Math.min(mendDelaysMs.most, mendDelayMs * 2);
        // Of what it may have taken, everything is still in memory, and its repetition harmless.
        if (store !== undefined) await slots.release(store).catch(() => undefined);
      }
    });
    intake.admit();
  }

  /** Segments that have been sent, but for the last, are no longer needed. */
  async function prune(): Promise<void> {
    for (let first = segments[0]; first !== undefined && segments.length > 1; first = segments[0]) {
      if (first.size().events > 0) return;
      segments.shift();
      if (!('store' in first) || slots === undefined) continue;
      const isFaulty = faults.delete(first);
      const isUnread = first.hasUnread();
      // What could not be read is kept: a person, or a later process, may be able to.
      const giveBack = isFaulty && !isUnread ? slots.destroy(first.store) : slots.release(first.store, isUnread);
      await giveBack.catch(() => undefined);
    }
  }

  const sumOf = (sizes: readonly Size[]): Size => ({
    events: sizes.reduce((sum, { events }) => sum + events, 0),
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  const sizeOf = (kept: Kept): Size =>
    sumOf(segments.filter((one) => one.kept === kept).map((segment) => segment.size()));

  function fullness(coming: Size, tenantId: string): Fullness | undefined {
    firstTenant ??= tenantId;
    isShared ||= tenantId !== firstTenant;
    const kept = segments.at(-1)?.kept ?? 'memory';
    const waiting = sizeOf(kept);
    // Before they are on disk they are in memory.
    if (coming.bytes > memory.bytesMax) return { detail: `${coming.bytes} bytes wait for the disk`, isOfTenant: false };
    const room =
      kept === 'disk' ? { events: Infinity, bytes: bytesMax } : { events: memory.eventsMax, bytes: memory.bytesMax };
    const held = sumOf(segments.map((segment) => segment.heldOf(tenantId)));
    const ofTenant = sumOf([notHeld.of(tenantId), held]);
    return fullnessOf({ kept, room, waiting, coming, tenantId, ofTenant, isHeldBack: held.events > 0, isShared });
  }

  const opened = open();
  const intake = createIntake({
    opened,
    keep,
    fullness,
    onTake: ({ tenantId, bytes }) => notHeld.add(tenantId, { events: 1, bytes }),
    waitForRoomMs: options.waitForRoomMs,
  });
  // On disk there is more room than there was in memory before.
  void opened.then(() => intake.admit());
  const adoptNext = (): void => {
    adopting ??= adopt().finally(() => (adopting = undefined));
  };
  const adoption = slots && setInterval(adoptNext, options.adoptIntervalMs);
  adoption?.unref();

  return {
    async append(draft) {
      const appended = await intake.append(draft);
      if (appended.ok) options.onEntries(draft.onSettled !== undefined);
      return appended;
    },
    skip({ tenantId, isNumbered }) {
      if (isNumbered) numbering.skip(tenantId);
    },
    written: () => intake.written(),
    async peek(limits) {
      await opened;
      await prune();
      await mend();
      for (const segment of segments) {
        const entries = await segment.peek(limits);
        if (entries.length === 0) continue;
        return {
          entries,
          listenerOf: (entry) => segment.listenerOf(entry),
          async drop(held) {
            await segment.drop(entries, held);
            for (const entry of entries)
              if (entry.isOwn) notHeld.remove(tenantIdOf(entry), { events: 1, bytes: entry.bytes });
            intake.admit();
          },
        };
      }
      // What cannot be read has given its room back.
      intake.admit();
      return undefined;
    },
    heldTenants: () => new Set(segments.flatMap((segment) => [...segment.heldTenants()])),
    async peekHeld(tenantId, limits) {
      for (const segment of segments) {
        if (![...segment.heldTenants()].includes(tenantId)) continue;
        const entries = await segment.peekHeld(tenantId, limits);
        if (entries.length === 0) continue;
        return {
          entries,
          listenerOf: (entry) => segment.listenerOf(entry),
          async drop() {
            await segment.dropHeld(tenantId, entries);
            intake.admit();
          },
        };
      }
      return undefined;
    },
    size() {
      const inMemory = sizeOf('memory');
      const onDisk = sizeOf('disk');
      const waiting = intake.size();
      const kept = segments.at(-1)?.kept ?? (slots === undefined ? 'memory' : 'opening');
      return {
        kept,
        bytesMax: kept === 'memory' ? memory.bytesMax : bytesMax,
        heldEvents: sumOf(segments.map((segment) => segment.heldSize())).events,
        events: inMemory.events + onDisk.events + waiting.events,
        bytes: inMemory.bytes + onDisk.bytes + waiting.bytes,
        memoryEvents: inMemory.events + waiting.events,
      };
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      clearInterval(adoption);
      await opened;
      await intake.written();
      await adopting;
      for (const segment of segments) {
        if ('store' in segment && slots !== undefined) await slots.release(segment.store).catch(() => undefined);
      }
    },
  };
}

/** What is moved back to the disk in one write. */
const moveLimits: BatchLimits = { eventsMax: 1000, bytesMax: 4 * 1024 * 1024 };
