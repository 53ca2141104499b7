import { createBudget, type BudgetRefusal, type Lease } from '@docket/runtime';
import { limitedAs } from '../gate/reader-policy.ts';
import type { TrailEntry } from './trail-entry.ts';
import { lineOfWindow, type TrailWindow } from './trail-windows.ts';

/** The rest of the spool's limit is for lines about what is done, until the file is written anew, and for repeats. */
const livePart = 7 / 8;
/** The largest reading: a search of 32 KiB of which every character is escaped. Every tenant and key may have so much, while there is room. */
const leastBytes = 256 * 1024;
/** Lines beside the one that opened a window: how often it was repeated, and that it was told. */
const notesBytesMax = 128;

/** Counts what the spool holds that is not done, for the tenant and the key of each reading (I7: decisions/0039). */
export interface TrailShares {
  /** Of a reading that opens a window with a line of so many bytes; undefined: it has room. */
  take(id: string, entry: TrailEntry, lineBytes: number): BudgetRefusal | undefined;
  /** As `take`, for what is in the spool already. */
  hold(window: TrailWindow): void;
  /** Less, when its text is not needed any more; does nothing for one that is not counted. */
  shrink(window: TrailWindow): void;
  /** Safe to call for one that is not counted. */
  release(id: string): void;
  usedBytes(): number;
}

export function createTrailShares(bytesMax: number): TrailShares {
  const budget = createBudget(Math.floor(bytesMax * livePart), Math.min(leastBytes, Math.floor(bytesMax / 16)));
  const leases = new Map<string, Lease>();

  return {
    take(id, entry, lineBytes) {
      const taken = budget.take(ownersOf(entry), lineBytes + notesBytesMax);
      if (!taken.ok) return taken.reason;
      leases.set(id, taken.lease);
      return undefined;
    },
    hold: (window) => void leases.set(window.id, budget.hold(ownersOf(window.entry), bytesOf(window))),
    shrink: (window) => leases.get(window.id)?.resize(bytesOf(window)),
    release(id) {
      leases.get(id)?.release();
      leases.delete(id);
    },
    usedBytes: () => budget.used(),
  };
}

function bytesOf(window: TrailWindow): number {
  return Buffer.byteLength(`${JSON.stringify(lineOfWindow(window))}\n`) + notesBytesMax;
}

function ownersOf({ log, credential }: TrailEntry): string[] {
  const { key_id: keyId = '', token_id: token = null } = credential;
  return [`tenant ${log}`, `key ${limitedAs({ keyId, token, tenants: [log] })}`];
}
