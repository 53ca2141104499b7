import type { Cursor } from './cursor-mapper.ts';
import type { Outcome } from './outcome-policy.ts';
import type { SkippedCounts } from './skipped-counts.ts';

/** What the machine of one subscription (delivery-machine) remembers, is told, and asks for. */
export interface DeliveryState {
  readonly cursor: Cursor;
  readonly phase: Phase;
  /** The owner's wish. */
  readonly isPaused: boolean;
  /** `updated_at` of the subscription. */
  readonly version: string;
  /** How long the first event of a batch waits for others. */
  readonly lingerMs: number;
  /** The owner's limit of a body. */
  readonly bytesMax: number;
  /** What the receiver takes at once, learned from its refusals of larger bodies; null: it has refused none. */
  readonly bytesLearned: number | null;
  /** How long after it was told anything an idle receiver is told that nothing happened; 0: never. */
  readonly proofIntervalMs: number;
  /** When that is due; null: not planned. */
  readonly proofAtMs: number | null;
  /** Records came while this was busy. */
  readonly hasGrown: boolean;
  /** The batch that has failed before: its end, and how often it was tried. */
  readonly trying: { readonly toSeq: number; readonly tries: number } | null;
  /** Failed sends in a row. */
  readonly failures: number;
  /** Failed reads in a row. */
  readonly readFailures: number;
}

export type Phase =
  | { readonly name: 'idle' | 'queued' | 'suspended' }
  /** For the subscription as it was at this version. */
  | { readonly name: 'reading'; readonly version: string }
  | { readonly name: 'lingering' | 'resting'; readonly untilMs: number }
  | { readonly name: 'sending'; readonly batch: BatchPlace };

/** What the machine needs to know of a batch. */
export interface BatchPlace {
  readonly toSeq: number;
  readonly eventSeq: number;
  readonly eventCount: number;
  /** What else it accounts for. */
  readonly skipped: SkippedCounts;
  readonly bodyBytes: number;
  /** The cursor's cut in Kafka once the batch is acknowledged; null when not known. */
  readonly offset: number | null;
  /** The log may hold more already that no `grew` will tell of. */
  readonly mayHaveMore: boolean;
}

export type ReadResult =
  | ({ readonly kind: 'batch' } & BatchPlace)
  /** There is nothing behind the cursor, and a batch without events proves it. */
  | ({ readonly kind: 'proof' } & BatchPlace)
  /** There is nothing behind the cursor, up to this offset; what comes later is told by `grew`. */
  | { readonly kind: 'nothing'; readonly offset: number }
  /** The tail does not hold it and ClickHouse does not hold it yet. */
  | { readonly kind: 'behind' }
  /** Reading failed. */
  | { readonly kind: 'failed' };

/** What the owner of the subscription says. */
export interface Wish {
  readonly isPaused: boolean;
  readonly version: string;
  readonly lingerMs: number;
  readonly bytesMax: number;
  readonly proofIntervalMs: number;
}

export type Input =
  | { readonly type: 'began' }
  | { readonly type: 'grew' }
  | { readonly type: 'due' }
  | { readonly type: 'slot' }
  | { readonly type: 'read'; readonly result: ReadResult; readonly jitter: number }
  | {
      readonly type: 'answered';
      readonly outcome: Outcome;
      readonly error: string;
      readonly retryAfterMs: number | null;
      readonly jitter: number;
    }
  | ({ readonly type: 'changed' } & Wish);

export type Effect =
  /** Ask for a slot; `slot` follows, unless `cancel` does. */
  | { readonly type: 'ask' }
  | { readonly type: 'cancel' }
  | { readonly type: 'release' }
  /** Read a batch behind the cursor; `toSeq` is the end of the one that is tried again, `bytesMax` bounds a new one, `isProofDue` asks for a
   * proof if there is none. `read` follows. */
  | { readonly type: 'read'; readonly toSeq: number | null; readonly bytesMax: number; readonly isProofDue: boolean }
  /** Send the batch that was read. `answered` follows. */
  | { readonly type: 'send'; readonly tryNumber: number }
  /** `due` at this time; a later `wake` replaces it. */
  | { readonly type: 'wake'; readonly atMs: number }
  /** Keep the cursor: soon, or, when only its cut moved, now and then. */
  | { readonly type: 'save'; readonly isUrgent: boolean };

export interface Step {
  readonly state: DeliveryState;
  readonly effects: readonly Effect[];
}

export function initialState(cursor: Cursor, wish: Wish): DeliveryState {
  const isSuspended = cursor.state === 'suspended' && cursor.suspendedVersion === wish.version;
  return {
    cursor,
    phase: { name: isSuspended ? 'suspended' : 'idle' },
    ...wish,
    bytesLearned: null,
    proofAtMs: null,
    hasGrown: false,
    trying: null,
    failures: 0,
    readFailures: 0,
  };
}
