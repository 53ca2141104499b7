import { grownBytes, halvedBytes } from './batch-size-policy.ts';
import { fartherCut } from './cursor-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';
import type { BatchPlace, DeliveryState, Effect, Input, Step, Wish } from './delivery-state.ts';
import { readRetryDelayMs, retryDelayMs } from './retry-policy.ts';
import { noneSkipped, sumSkipped } from './skipped-counts.ts';

/** How soon ClickHouse is asked again for what it does not hold yet: about two inserts of the ingestor. */
export const behindPollMs = 500;
/** So many seqs without an event are passed without a batch; then one without events accounts for them. */
export const passedMax = 100_000;

/**
 * One subscription, as a machine: what happened comes in, what to do comes out, and nothing here waits, sends or looks at a clock.
 *
 *   idle ──grew──▶ lingering ──due──▶ queued ──slot──▶ reading ──batch──▶ sending ──delivered──▶ (queued │ lingering │ idle)
 *     ▲                                  ▲ without events │ nothing: idle        │ retry, misconfigured (split: queued)
 *     └──── nothing left ────────────────┴────due──── resting ◀── behind, failed ┴──────────────┘        gone ──▶ suspended
 *
 * At most one batch is under way (ordered delivery). A batch that failed is tried again with the same range until it is acknowledged; the cursor moves
 * only then, or over what has no event for the receiver (I6).
 */
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
      return state.phase.name === 'reading' ? wasRead(state, state.phase.version, input, nowMs) : stay(state);
    case 'answered':
      return state.phase.name === 'sending' ? answered(state, state.phase.batch, input, nowMs) : stay(state);
    case 'changed':
      return changed(state, {
        isPaused: input.isPaused,
        version: input.version,
        lingerMs: input.lingerMs,
        bytesMax: input.bytesMax,
      });
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
    state: { ...state, phase: { name: 'reading', version: state.version }, hasGrown: false },
    effects: [{ type: 'read', toSeq: state.trying?.toSeq ?? null, bytesMax: state.bytesLearned ?? state.bytesMax }],
  };
}

function wasRead(
  state: DeliveryState,
  version: string,
  { result, jitter }: Extract<Input, { type: 'read' }>,
  nowMs: number,
): Step {
  const release: Effect = { type: 'release' };
  switch (result.kind) {
    case 'batch': {
      if (state.isPaused) return { state: { ...state, phase: idle }, effects: [release] };
      // Its filter or its limits may be others now.
      if (version !== state.version) return proceed(state, [release]);
      const tries = (state.trying?.tries ?? 0) + 1;
      const { kind: _, ...batch } = result;
      if (isPassed(state, batch)) return pass(state, batch, nowMs);
      return {
        state: {
          ...state,
          phase: { name: 'sending', batch },
          trying: { toSeq: batch.toSeq, tries },
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

/** A new batch without events, of which the receiver need not hear yet. */
function isPassed(state: DeliveryState, batch: BatchPlace): boolean {
  return state.trying === null && batch.eventCount === 0 && sumSkipped(batch.skipped) < passedMax;
}

/** Goes on behind what has no event, without a request; the next batch accounts for it. */
function pass(state: DeliveryState, batch: BatchPlace, nowMs: number): Step {
  const cursor: Cursor = { ...state.cursor, seq: batch.toSeq, offset: batch.offset, passed: batch.skipped };
  const next: DeliveryState = { ...state, cursor, phase: idle, readFailures: 0 };
  const effects: Effect[] = [{ type: 'release' }, { type: 'save', isUrgent: true }];
  if (batch.mayHaveMore) return proceed(next, effects);
  return state.hasGrown ? linger(next, nowMs, effects) : { state: next, effects };
}

type Answered = Extract<Input, { type: 'answered' }>;

function answered(state: DeliveryState, batch: BatchPlace, input: Answered, nowMs: number): Step {
  const release: Effect = { type: 'release' };
  const save: Effect = { type: 'save', isUrgent: true };
  const { cursor } = state;
  switch (input.outcome.kind) {
    case 'delivered': {
      const moved: Cursor = {
        ...cursor,
        seq: batch.toSeq,
        eventSeq: batch.eventSeq,
        passed: noneSkipped,
        // A cut belongs to its seq: the old one says nothing about the new seq.
        offset: batch.offset,
        state: 'active',
        suspendedVersion: '',
        failingSinceMs: null,
        lastError: '',
      };
      const bytesLearned = batch.mayHaveMore ? grownBytes(state.bytesLearned, state.bytesMax) : state.bytesLearned;
      const next = { ...state, cursor: moved, phase: idle, trying: null, failures: 0, bytesLearned };
      // What is known of a batch is from when it was first read: whatever came while it waited for its next try is behind it.
      const wasTriedBefore = state.trying !== null && state.trying.tries > 1;
      if (batch.mayHaveMore || wasTriedBefore) return proceed(next, [release, save]);
      return state.hasGrown ? linger(next, nowMs, [release, save]) : { state: next, effects: [release, save] };
    }
    case 'split':
      // One event is the least that can be sent: the receiver has to take it, and somebody to see to that.
      if (batch.eventCount <= 1) return failed(state, input, 'misconfigured', nowMs);
      return proceed({ ...state, trying: null, bytesLearned: halvedBytes(batch.bodyBytes) }, [release]);
    case 'retry':
    case 'misconfigured':
      return failed(state, input, input.outcome.kind, nowMs);
    case 'reject_event':
      return failed(state, input, 'misconfigured', nowMs);
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

/** The same batch again, later. */
function failed(state: DeliveryState, input: Answered, outcome: 'retry' | 'misconfigured', nowMs: number): Step {
  const { cursor } = state;
  const failures = state.failures + 1;
  const failingSinceMs = cursor.failingSinceMs ?? nowMs;
  const failing: Cursor = { ...cursor, state: 'failing', failingSinceMs, lastError: input.error };
  const { retryAfterMs, jitter } = input;
  const delayMs = retryDelayMs({ outcome, failures, failingForMs: nowMs - failingSinceMs, retryAfterMs, jitter });
  const isNews = cursor.state !== failing.state || cursor.lastError !== failing.lastError;
  const release: Effect = { type: 'release' };
  const effects: Effect[] = isNews ? [release, { type: 'save', isUrgent: true }] : [release];
  return rest({ ...state, cursor: failing, failures }, nowMs + delayMs, effects);
}

function changed(state: DeliveryState, wish: Wish): Step {
  // The directory may be read again; only news is a reason to try at once.
  if (wish.isPaused === state.isPaused && wish.version === state.version && wish.lingerMs === state.lingerMs)
    return stay(state);
  const isNews = wish.version !== state.version;
  const next: DeliveryState = {
    ...state,
    ...wish,
    // What failed is made anew, by the filter and the limits as they are now; and then it must be looked for, too.
    trying: isNews ? null : state.trying,
    hasGrown: state.hasGrown || isNews,
    bytesLearned: null,
  };
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
