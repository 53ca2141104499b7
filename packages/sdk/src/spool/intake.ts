import { type BatchLimits, type Draft, type Kept, startWithin } from './entry.ts';

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
  size(): { readonly events: number; readonly bytes: number };
}

export interface IntakeOptions {
  /** From here on `keep` may be called. Never rejects. */
  readonly opened: Promise<void>;
  /** Keeps events, in order, and says where. Never rejects. */
  readonly keep: (drafts: readonly Draft[]) => Promise<Kept>;
  /** Why there is no room for so much beside what waits; undefined: there is. */
  readonly fullness: (more: { events: number; bytes: number }) => string | undefined;
  /** How long an event waits for room; 0: not at all. */
  readonly waitForRoomMs: number;
}

interface Waiting extends Draft {
  readonly resolve: (appended: Appended) => void;
}

/** One write of the spool: enough to make a flush to disk cheap for each, short enough to be over in milliseconds. */
const writeLimits: BatchLimits = { eventsMax: 500, bytesMax: 1024 * 1024 };
/** I8: as many may wait for room. */
const roomWaitersMax = 1_000;

export function createIntake({ opened, keep, fullness, waitForRoomMs }: IntakeOptions): Intake {
  let waiting: Waiting[] = [];
  let bytes = 0;
  let writing: Promise<void> | undefined;
  let forRoom: { readonly entry: Waiting; readonly timer: NodeJS.Timeout }[] = [];

  async function write(): Promise<void> {
    await opened;
    while (waiting.length > 0) {
      const batch = startWithin(waiting.slice(0, writeLimits.eventsMax), writeLimits);
      const kept = await keep(batch);
      waiting = waiting.slice(batch.length);
      for (const entry of batch) {
        bytes -= entry.bytes;
        entry.resolve({ ok: true, kept });
      }
    }
    // In the same turn as the last look: whatever comes later begins anew.
    writing = undefined;
  }

  function take(entry: Waiting): void {
    waiting.push(entry);
    bytes += entry.bytes;
    writing ??= write();
  }

  function waitForRoom(entry: Waiting, detail: string): void {
    const giveUp = (): void => {
      forRoom = forRoom.filter((one) => one.entry !== entry);
      entry.resolve({ ok: false, detail: `${detail}; no room within ${waitForRoomMs} ms` });
    };
    forRoom.push({ entry, timer: setTimeout(giveUp, waitForRoomMs) });
  }

  return {
    append: (draft) =>
      new Promise((resolve) => {
        const entry = { ...draft, resolve };
        const detail = fullness({ events: waiting.length + 1, bytes: bytes + entry.bytes });
        // Behind those that wait for room, so that the order stays that of the calls.
        if (detail === undefined && forRoom.length === 0) take(entry);
        else if (waitForRoomMs === 0 || forRoom.length >= roomWaitersMax)
          resolve({ ok: false, detail: detail ?? `${forRoom.length} events wait for room already` });
        else waitForRoom(entry, detail ?? 'others wait for room');
      }),
    admit() {
      for (let first = forRoom[0]; first !== undefined; first = forRoom[0]) {
        const { entry, timer } = first;
        if (fullness({ events: waiting.length + 1, bytes: bytes + entry.bytes }) !== undefined) return;
        clearTimeout(timer);
        forRoom = forRoom.slice(1);
        take(entry);
      }
    },
    async written() {
      await writing;
    },
    size: () => ({ events: waiting.length + forRoom.length, bytes }),
  };
}
