import { reasonOf } from '../error-fields.ts';
import { type BatchLimits, type Draft, type Kept, type Size, startWithin } from './entry.ts';
import type { Fullness } from './room-policy.ts';

export type Appended = { ok: true; kept: Kept } | { ok: false; detail: string };

/** Events on their way into the spool: they share writes, and wait for room if there is none. */
export interface Intake {
  /** Never rejects. Resolves when the event is kept, or when it will not be. */
  append(draft: Draft): Promise<Appended>;
  /** There is more room than before. */
  admit(): void;
  /** Everything appended so far is kept or refused. */
  written(): Promise<void>;
  /** Waits for a write, or for room. */
  size(): Size;
}

export interface IntakeOptions {
  /** From here on `keep` may be called. Never rejects. */
  readonly opened: Promise<void>;
  /** Keeps events, in order, and says where. Never rejects. */
  readonly keep: (drafts: readonly Draft[]) => Promise<Kept>;
  /** Why there is no room for what is coming, of which the last is a tenant's; undefined: there is. */
  readonly fullness: (coming: Size, tenantId: string) => Fullness | undefined;
  /** There is room for it: it is on its way. */
  readonly onTake?: (draft: Draft) => void;
  /** How long an event waits for room; 0: not at all. */
  readonly waitForRoomMs: number;
}

interface Waiting extends Draft {
  readonly resolve: (appended: Appended) => void;
}

interface WaitingForRoom extends Pick<Fullness, 'isOfTenant'> {
  readonly entry: Waiting;
  readonly timer: NodeJS.Timeout;
}

/** One write of the spool: enough to make a flush to disk cheap for each, short enough to be over in milliseconds. */
const writeLimits: BatchLimits = { eventsMax: 500, bytesMax: 1024 * 1024 };
/** I8: as many may wait for room. */
const roomWaitersMax = 1_000;

export function createIntake({ opened, keep, fullness, onTake, waitForRoomMs }: IntakeOptions): Intake {
  let waiting: Waiting[] = [];
  let bytes = 0;
  let writing: Promise<void> | undefined;
  let forRoom: WaitingForRoom[] = [];

  async function write(): Promise<void> {
    await opened;
    while (waiting.length > 0) {
      const batch = startWithin(waiting.slice(0, writeLimits.eventsMax), writeLimits);
      const appended = await keep(batch).then(
        (kept): Appended => ({ ok: true, kept }),
        // Should it ever: what comes later must not wait for it.
        (error: unknown): Appended => ({ ok: false, detail: reasonOf(error) }),
      );
      waiting = waiting.slice(batch.length);
      for (const entry of batch) {
        bytes -= entry.bytes;
        entry.resolve(appended);
      }
      // What waited for the disk waits no longer, which may have been in the way of others.
      admit();
    }
    // In the same turn as the last look: whatever comes later begins anew.
    writing = undefined;
  }

  function take(entry: Waiting): void {
    waiting.push(entry);
    bytes += entry.bytes;
    onTake?.(entry);
    writing ??= write();
  }

  const fullnessFor = (entry: Waiting): Fullness | undefined =>
    fullness({ events: waiting.length + 1, bytes: bytes + entry.bytes }, entry.tenantId);

  /** Why an event has to wait behind others: each tenant's come in the order of the calls, and nobody takes room that another waits for. */
  function aheadOf({ tenantId }: Waiting): Fullness | undefined {
    const before = forRoom.find((one) => !one.isOfTenant || one.entry.tenantId === tenantId);
    return before && { detail: 'others wait for room', isOfTenant: before.isOfTenant };
  }

  function waitForRoom(entry: Waiting, { detail, isOfTenant }: Fullness): void {
    const ofTenant = forRoom.filter((one) => one.entry.tenantId === entry.tenantId).length;
    // I7: a tenant has no more places than it leaves to others.
    const placesMax = isOfTenant ? roomWaitersMax - forRoom.length : roomWaitersMax;
    if (waitForRoomMs === 0) return entry.resolve({ ok: false, detail });
    if (forRoom.length >= roomWaitersMax || ofTenant >= placesMax)
      return entry.resolve({ ok: false, detail: `${detail}; ${forRoom.length} events wait for room already` });
    const giveUp = (): void => {
      forRoom = forRoom.filter((one) => one.entry !== entry);
      entry.resolve({ ok: false, detail: `${detail}; no room within ${waitForRoomMs} ms` });
      // Those behind it wait for others now, or for nobody.
      admit();
    };
    forRoom.push({ entry, isOfTenant, timer: setTimeout(giveUp, waitForRoomMs) });
  }

  function admit(): void {
    const stay: WaitingForRoom[] = [];
    const tenantsThatStay = new Set<string>();
    let isFull: boolean = false;
    for (const { entry, timer } of forRoom) {
      const mustStay: boolean = isFull || tenantsThatStay.has(entry.tenantId);
      const full: Pick<Fullness, 'isOfTenant'> | undefined = mustStay ? { isOfTenant: !isFull } : fullnessFor(entry);
      if (full === undefined) {
        clearTimeout(timer);
        take(entry);
      } else {
        stay.push({ entry, timer, isOfTenant: full.isOfTenant });
        tenantsThatStay.add(entry.tenantId);
        isFull ||= !full.isOfTenant;
      }
    }
    forRoom = stay;
  }

  return {
    append: (draft) =>
      new Promise((resolve) => {
        const entry = { ...draft, resolve };
        const full = aheadOf(entry) ?? fullnessFor(entry);
        if (full === undefined) take(entry);
        else waitForRoom(entry, full);
      }),
    admit,
    async written() {
      await writing;
    },
    size: () => ({ events: waiting.length + forRoom.length, bytes }),
  };
}
