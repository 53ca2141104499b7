import { fartherCut } from './cursor-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';
import type { Outcome } from './outcome-policy.ts';
import { readRetryDelayMs, retryDelayMs } from './retry-policy.ts';

/**
 * One subscription, as a machine: what happened comes in, what to do comes out, and nothing here waits, sends or looks at a clock.
 *
 *   idle ──grew──▶ lingering ──due──▶ queued ──slot──▶ reading ──batch──▶ sending ──delivered──▶ (queued │ lingering │ idle)
 *     ▲                                  ▲                │ nothing: idle        │ retry, misconfigured
 *     └──── nothing left ────────────────┴────due──── resting ◀── behind, failed ┴──────────────┘        gone ──▶ suspended
 *
 * At most one batch is under way (ordered delivery). A batch that failed is tried again with the same range until it is acknowledged; the cursor moves
 * only then (I6).
 */
export interface DeliveryState {
  readonly cursor: Cursor;
  readonly phase: Phase;
  /** The owner's wish. */
  readonly isPaused: boolean;
  /** `updated_at` of the subscription. */
  readonly version: string;
  /** How long the first event of a batch waits for others. */
  readonly lingerMs: number;
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
  | { readonly name: 'idle' | 'queued' | 'reading' | 'suspended' }
  | { readonly name: 'lingering' | 'resting'; readonly untilMs: number }
  | { readonly name: 'sending'; readonly batch: BatchPlace };

/** What the machine needs to know of a batch. */
export interface BatchPlace {
  readonly toSeq: number;
  readonly eventSeq: number;
  /** The cursor's cut in Kafka once the batch is acknowledged; null when not known. */
  readonly offset: number | null;
  /** The log may hold more already that no `grew` will tell of. */
  readonly mayHaveMore: boolean;
}

export type ReadResult =
  | ({ readonly kind: 'batch' } & BatchPlace)
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
  /** Read a batch behind the cursor; `toSeq` is the end of the one that is tried again. `read` follows. */
  | { readonly type: 'read'; readonly toSeq: number | null }
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

/** How soon ClickHouse is asked again for what it does not hold yet: about two inserts of the ingestor. */
export const behindPollMs = 500;

export function initialState(cursor: Cursor, wish: Wish): DeliveryState {
  const isSuspended = cursor.state === 'suspended' && cursor.suspendedVersion === wish.version;
  return {
    cursor,
    phase: { name: isSuspended ? 'suspended' : 'idle' },
    ...wish,
    hasGrown: false,
    trying: null,
    failures: 0,
    readFailures: 0,
  };
}

export function stepDelivery(state: DeliveryState, input: Input, nowMs: number): Step {
  switch (input.type) {
    case 'began':
      return state.phase.name === 'idle' ? proceed(state) : stay(state);
    case 'grew':
      return grew(state, nowMs);
    case 'due':
      return due(state, nowMs);
    case 'slot':
      return slot(state);
    case 'read':
      return state.phase.name === 'reading' ? wasRead(state, input.result, input.jitter, nowMs) : stay(state);
    case 'answered':
      return state.phase.name === 'sending' ? answered(state, state.phase.batch, input, nowMs) : stay(state);
    case 'changed':
      return changed(state, { isPaused: input.isPaused, version: input.version, lingerMs: input.lingerMs });
  }
}

const stay = (state: DeliveryState): Step => ({ state, effects: [] });
const idle = { name: 'idle' } as const;

/** Goes for the next batch at once. */
function proceed(state: DeliveryState, effects: readonly Effect[] = []): Step {
  if (state.isPaused) return { state: { ...state, phase: idle }, effects };
  return { state: { ...state, phase: { name: 'queued' } }, effects: [...effects, { type: 'ask' }] };
}

/** Lets events gather for a moment first. */
function linger(state: DeliveryState, nowMs: number, effects: readonly Effect[] = []): Step {
  if (state.isPaused || state.lingerMs === 0) return proceed(state, effects);
  const untilMs = nowMs + state.lingerMs;
  return {
    state: { ...state, phase: { name: 'lingering', untilMs } },
    effects: [...effects, { type: 'wake', atMs: untilMs }],
  };
}

function rest(state: DeliveryState, untilMs: number, effects: readonly Effect[]): Step {
  if (state.isPaused) return { state: { ...state, phase: idle }, effects };
  return {
    state: { ...state, phase: { name: 'resting', untilMs } },
    effects: [...effects, { type: 'wake', atMs: untilMs }],
  };
}

function grew(state: DeliveryState, nowMs: number): Step {
  switch (state.phase.name) {
    case 'idle':
      return linger(state, nowMs);
    case 'reading':
    case 'sending':
      return stay({ ...state, hasGrown: true });
    case 'lingering':
    case 'queued':
    case 'resting':
    case 'suspended':
      return stay(state);
  }
}

function due(state: DeliveryState, nowMs: number): Step {
  const { phase } = state;
  if (phase.name !== 'lingering' && phase.name !== 'resting') return stay(state);
  // A timer may fire a moment early.
  return nowMs >= phase.untilMs ? proceed(state) : { state, effects: [{ type: 'wake', atMs: phase.untilMs }] };
}

function slot(state: DeliveryState): Step {
  if (state.phase.name !== 'queued') return { state, effects: [{ type: 'release' }] };
  return {
    state: { ...state, phase: { name: 'reading' }, hasGrown: false },
    effects: [{ type: 'read', toSeq: state.trying?.toSeq ?? null }],
  };
}

function wasRead(state: DeliveryState, result: ReadResult, jitter: number, nowMs: number): Step {
  const release: Effect = { type: 'release' };
  switch (result.kind) {
    case 'batch': {
      if (state.isPaused) return { state: { ...state, phase: idle }, effects: [release] };
      const tries = (state.trying?.tries ?? 0) + 1;
      const { toSeq, eventSeq, offset, mayHaveMore } = result;
      return {
        state: {
          ...state,
          phase: { name: 'sending', batch: { toSeq, eventSeq, offset, mayHaveMore } },
          trying: { toSeq, tries },
          readFailures: 0,
        },
        effects: [{ type: 'send', tryNumber: tries }],
      };
    }
    case 'nothing': {
      const offset = fartherCut(state.cursor.offset, result.offset);
      const effects: Effect[] =
        offset === state.cursor.offset ? [release] : [release, { type: 'save', isUrgent: false }];
      const next = { ...state, cursor: { ...state.cursor, offset }, phase: idle, readFailures: 0 };
      return state.hasGrown ? linger(next, nowMs, effects) : { state: next, effects };
    }
    case 'behind':
      return rest({ ...state, readFailures: 0 }, nowMs + behindPollMs, [release]);
    case 'failed': {
      const readFailures = state.readFailures + 1;
      return rest({ ...state, readFailures }, nowMs + readRetryDelayMs(readFailures, jitter), [release]);
    }
  }
}

function answered(
  state: DeliveryState,
  batch: BatchPlace,
  input: Extract<Input, { type: 'answered' }>,
  nowMs: number,
): Step {
  const release: Effect = { type: 'release' };
  const save: Effect = { type: 'save', isUrgent: true };
  const { cursor } = state;
  switch (input.outcome) {
    case 'delivered': {
      const moved: Cursor = {
        ...cursor,
        seq: batch.toSeq,
        eventSeq: batch.eventSeq,
        // A cut belongs to its seq: the old one says nothing about the new seq.
        offset: batch.offset,
        state: 'active',
        suspendedVersion: '',
        failingSinceMs: null,
        lastError: '',
      };
      const next = { ...state, cursor: moved, phase: idle, trying: null, failures: 0 };
      // What is known of a batch is from when it was first read: whatever came while it waited for its next try is behind it.
      const wasTriedBefore = state.trying !== null && state.trying.tries > 1;
      if (batch.mayHaveMore || wasTriedBefore) return proceed(next, [release, save]);
      return state.hasGrown ? linger(next, nowMs, [release, save]) : { state: next, effects: [release, save] };
    }
    case 'retry':
    case 'misconfigured': {
      const failures = state.failures + 1;
      const failingSinceMs = cursor.failingSinceMs ?? nowMs;
      const failing: Cursor = { ...cursor, state: 'failing', failingSinceMs, lastError: input.error };
      const delayMs = retryDelayMs({
        outcome: input.outcome,
        failures,
        failingForMs: nowMs - failingSinceMs,
        retryAfterMs: input.retryAfterMs,
        jitter: input.jitter,
      });
      const isNews = cursor.state !== failing.state || cursor.lastError !== failing.lastError;
      return rest({ ...state, cursor: failing, failures }, nowMs + delayMs, isNews ? [release, save] : [release]);
    }
    case 'gone': {
      const suspended: Cursor = {
        ...cursor,
        state: 'suspended',
        suspendedVersion: state.version,
        failingSinceMs: cursor.failingSinceMs ?? nowMs,
        lastError: input.error,
      };
      return { state: { ...state, cursor: suspended, phase: { name: 'suspended' } }, effects: [release, save] };
    }
  }
}

function changed(state: DeliveryState, wish: Wish): Step {
  // The directory may be read again; only news is a reason to try at once.
  if (wish.isPaused === state.isPaused && wish.version === state.version && wish.lingerMs === state.lingerMs)
    return stay(state);
  const next: DeliveryState = { ...state, ...wish };
  switch (state.phase.name) {
    case 'reading':
    case 'sending':
      return stay(next);
    case 'queued':
      return wish.isPaused ? { state: { ...next, phase: idle }, effects: [{ type: 'cancel' }] } : stay(next);
    case 'suspended': {
      if (wish.version === state.version) return stay(next);
      const cursor: Cursor = {
        ...state.cursor,
        state: 'active',
        suspendedVersion: '',
        failingSinceMs: null,
        lastError: '',
      };
      return proceed({ ...next, cursor, failures: 0 }, [{ type: 'save', isUrgent: true }]);
    }
    case 'idle':
    case 'lingering':
    case 'resting':
      // Somebody may just have mended what failed: try at once.
      return proceed({ ...next, phase: idle });
  }
}
