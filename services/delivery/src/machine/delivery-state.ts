import type { ParkedEvent } from '@docket/directory';

import { noAnswers, onlyFailures } from './breaker-policy.ts';
import type { RecentAnswers } from './breaker-policy.ts';
import type { Cursor } from '../cursors/cursor-mapper.ts';
import type { Notice } from '../notices/notice-mapper.ts';
import type { Outcome } from './outcome-policy.ts';
import type { SkippedCounts } from '../batches/skipped-counts.ts';

/** What the machine of one subscription (delivery-machine) remembers, is told, and asks for. */
export interface DeliveryState {
  readonly cursor: Cursor;
  readonly phase: Phase;
  /** Of the topic, now: that of every offset that is read. */
  readonly generation: number;
  /** The owner's wish. */
  readonly isPaused: boolean;
  /** `updated_at` of the subscription. */
  readonly version: string;
  /** How long the first event of a batch waits for others. */
  readonly lingerMs: number;
  /** The owner's limit of a body. */
  readonly bytesMax: number;
  /** How many batches may be under way at once: the owner's limit, and what the receiver bears now. */
  readonly windowMax: number;
  readonly window: number;
  /** What the receiver takes at once, learned from its refusals of larger bodies; null: it has refused none. */
  readonly bytesLearned: number | null;
  /** How long after it was told anything an idle receiver is told that nothing happened; 0: never. */
  readonly proofIntervalMs: number;
  /** How long it may fail without a break before it is suspended. */
  readonly suspendAfterMs: number;
  /** How long it has to fail before its owner is told. */
  readonly noticeAfterMs: number;
  /** Where the owner wants it to go on; null: at its cursor. */
  readonly resume: Resume | null;
  /** When that is due; null: not planned. */
  readonly proofAtMs: number | null;
  /** Records came while this was busy. */
  readonly hasGrown: boolean;
  /** The batch that has failed before: its end, and how often it was tried. */
  readonly trying: { readonly toSeq: number; readonly tries: number } | null;
  /** Failed sends in a row. */
  readonly failures: number;
  /** What the receiver answered lately. */
  readonly recent: RecentAnswers;
  /** Failed reads in a row. */
  readonly readFailures: number;
  /** How often in a row ClickHouse did not hold the place of the cursor yet. */
  readonly behindReads: number;
  readonly refusals: Refusals;
  /** The list of the subscription, by seq; at most `parkedMax`. */
  readonly parked: readonly ParkedEvent[];
  readonly replay: Replay;
  /** Those of the cursor's `untold` that are being told. */
  readonly telling: readonly Notice[];
}

/** What the receiver is known to refuse behind the cursor, as the subscription is now. */
export interface Refusals {
  /** Among the next `count` events, up to this seq, is one that it refuses; null: nothing is known. */
  readonly suspect: { readonly toSeq: number; readonly count: number } | null;
  /** Refused by themselves; by seq. The next batch leaves them out, and if it is taken they are parked. */
  readonly refused: readonly RefusedEvent[];
  /** It has taken others since it began to refuse. */
  readonly hasTaken: boolean;
  /** So many are in front of the one that a sink ended at: they are sent by themselves first, or each that it ends at would bring all of them again. */
  readonly inFront?: number;
}

export interface RefusedEvent {
  readonly seq: number;
  readonly error: string;
  readonly excerpt: string;
  /** Why not all events are refused: the sink's own answer says that it took others; it took another one before; nothing does. */
  readonly evidence: 'sink' | 'neighbour' | 'none';
}

/** Sending parked events again: one between two batches, when asked for, with delays of its own. */
export interface Replay {
  readonly isItsTurn: boolean;
  /** Not before. */
  readonly atMs: number;
  /** Failed tries in a row. */
  readonly failures: number;
}

/** So many seqs without an event are passed without a batch; then one without events accounts for them (I8). */
export const passedMax = 100_000;

/** The bodies of a window's batches together; a single batch may be larger (I8). */
export const windowBytesMax = 8 * 1024 * 1024;

export const nothingRefused: Refusals = { suspect: null, refused: [], hasTaken: false };

/** What is sent beside the stream: a parked event, or one behind those that were refused, to see whether it is taken. Neither moves the cursor. */
export type Aside = { readonly kind: 'parked'; readonly seq: number } | { readonly kind: 'probe' };

/** An order of the owner, carried out once: to go on with the first event that was received at this time or later, whichever was the last. */
export interface Resume {
  readonly id: string;
  readonly receivedFromMs: number;
  /** Where the log ended when the order was given to go on from then; it goes before the time. Null: an order for a time. */
  readonly place: LogPlace | null;
}

/** A place in the partition of a log in Kafka. */
export interface LogPlace {
  readonly generation: number;
  readonly offset: number;
}

export type Phase =
  | { readonly name: 'idle' | 'queued' | 'suspended' }
  /** For the subscription as it was at this version. */
  | { readonly name: 'reading'; readonly version: string; readonly aside: Aside | null }
  | { readonly name: 'lingering'; readonly untilMs: number }
  /** `forNeighbour`: what was refused has nothing behind it that could show whether it is the only one. */
  | { readonly name: 'resting'; readonly untilMs: number; readonly forNeighbour: boolean }
  | ({ readonly name: 'sending' } & Sending);

/** One batch, or a window of them, and what was known when it was sent: its answer is about that. */
export interface Sending {
  readonly batch: BatchPlace;
  /** Those under way beside it, each behind the one before. */
  readonly following: readonly BatchPlace[];
  readonly aside: Aside | null;
  readonly version: string;
  /** What it says `parked` of. */
  readonly leftOut: readonly RefusedEvent[];
}

/** What the machine needs to know of a batch. */
export interface BatchPlace {
  readonly toSeq: number;
  readonly eventSeq: number;
  readonly eventCount: number;
  readonly eventSeqs: readonly number[];
  /** What else it accounts for. */
  readonly skipped: SkippedCounts;
  readonly bodyBytes: number;
  /** The cursor's cut in Kafka once the batch is acknowledged; null when not known. */
  readonly offset: number | null;
  /** The log may hold more already that no `grew` will tell of. */
  readonly mayHaveMore: boolean;
  /** It is the end of a replay: nothing comes that could account for what it has passed. */
  readonly isLast: boolean;
}

export type ReadResult =
  /** `following`: as many more as were asked for and there are, each behind the one before, all with events. */
  | ({ readonly kind: 'batch'; readonly following?: readonly BatchPlace[] } & BatchPlace)
  /** There is nothing behind the cursor, and a batch without events proves it. */
  | ({ readonly kind: 'proof' } & BatchPlace)
  /** There is nothing behind the cursor, up to this offset, or at all when it is null; what comes later is told by `grew`. */
  | { readonly kind: 'nothing'; readonly offset: number | null }
  /** Of a parked event: the log does not have it any more. */
  | { readonly kind: 'expired' }
  /** Everything of the log up to this seq was received before the time that was asked for. */
  | { readonly kind: 'located'; readonly seq: number }
  /** The log has other numbers than the cursor was counted by: it has to go on behind this seq. */
  | { readonly kind: 'renumbered'; readonly seq: number }
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
  readonly windowMax: number;
  readonly proofIntervalMs: number;
  readonly suspendAfterMs: number;
  readonly noticeAfterMs: number;
  readonly resume: Resume | null;
}

export type Input =
  | { readonly type: 'began' }
  | { readonly type: 'grew' }
  | { readonly type: 'due' }
  /** `isNarrow`: for one batch alone; absent: for as many as the window has. */
  | { readonly type: 'slot'; readonly isNarrow?: boolean }
  | { readonly type: 'read'; readonly result: ReadResult; readonly jitter: number }
  | {
      readonly type: 'answered';
      /** So many batches in front of the one that this is about were taken; absent: none. */
      readonly acknowledged?: number;
      readonly outcome: Outcome;
      readonly error: string;
      /** The beginning of what the receiver said. */
      readonly excerpt: string;
      readonly retryAfterMs: number | null;
      readonly jitter: number;
    }
  | ({ readonly type: 'changed' } & Wish)
  /** Somebody asks for a parked event, or does without it, or it is known from elsewhere. */
  | { readonly type: 'parked'; readonly parked: ParkedEvent }
  /** A cursor with these notices is in the topic. */
  | { readonly type: 'kept'; readonly untold: readonly Notice[] }
  /** The owner knows. */
  | { readonly type: 'told'; readonly notice: Notice };

export type Effect =
  /** Ask for a slot; `slot` follows, unless `cancel` does. */
  | { readonly type: 'ask' }
  | { readonly type: 'cancel' }
  | { readonly type: 'release' }
  | ReadEffect
  /** Find the place at which to go on. `read` follows. */
  | { readonly type: 'locate'; readonly resume: Resume }
  /** Read a parked event. `read` follows. */
  | { readonly type: 'read_parked'; readonly parked: ParkedEvent }
  /** Send the batch that was read. `answered` follows. */
  | { readonly type: 'send'; readonly tryNumber: number }
  /** `due` at this time, and perhaps before, too; a later `wake` replaces it. */
  | { readonly type: 'wake'; readonly atMs: number }
  /** Keep a parked event. MUST be durable before any cursor that is saved after it. */
  | { readonly type: 'keep_parked'; readonly parked: ParkedEvent }
  | { readonly type: 'forget_parked'; readonly seq: number }
  /** Tell the owner how the subscription fares. `told` follows, sooner or later or never. */
  | { readonly type: 'tell'; readonly notice: Notice }
  /** Keep the cursor: soon, or, when only its cut moved, now and then. */
  | { readonly type: 'save'; readonly isUrgent: boolean };

/** Read a batch behind the cursor. `read` follows. */
export interface ReadEffect {
  readonly type: 'read';
  /** The end of the one that is tried again, which nothing else bounds. */
  readonly toSeq: number | null;
  /** Bounds of a new one; null: those of the subscription. */
  readonly bytesMax: number;
  readonly eventsMax: number | null;
  /** So many at most, one behind the other. */
  readonly batchesMax: number;
  /** Events that it leaves out and counts as parked; then it is read on until there is another event, if there is one. */
  readonly without: readonly number[];
  /** Only the first event that is not left out, aside of the stream. */
  readonly isProbe: boolean;
  /** Without anything there, a proof is wanted. */
  readonly isProofDue: boolean;
}

export interface Step {
  readonly state: DeliveryState;
  readonly effects: readonly Effect[];
}

export function initialState(
  cursor: Cursor,
  wish: Wish,
  parked: readonly ParkedEvent[] = [],
  generation = cursor.generation,
): DeliveryState {
  const isSuspended = cursor.state === 'suspended' && cursor.suspendedVersion === wish.version;
  const { isPaused, version, lingerMs, bytesMax, windowMax, proofIntervalMs, suspendAfterMs, noticeAfterMs } = wish;
  return {
    cursor,
    phase: { name: isSuspended ? 'suspended' : 'idle' },
    generation,
    // By their names: of an object that begins with a spread of others, each step's copy costs three times as much.
    isPaused,
    version,
    lingerMs,
    bytesMax,
    windowMax,
    proofIntervalMs,
    suspendAfterMs,
    noticeAfterMs,
    resume: wish.resume,
    window: 1,
    bytesLearned: null,
    proofAtMs: null,
    hasGrown: false,
    trying: null,
    failures: 0,
    recent: cursor.state === 'failing' ? onlyFailures : noAnswers,
    readFailures: 0,
    behindReads: 0,
    refusals: nothingRefused,
    parked: parked.toSorted((a, b) => a.seq - b.seq),
    replay: { isItsTurn: false, atMs: 0, failures: 0 },
    telling: [],
  };
}
