import { fartherCut } from './cursor-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';
import { answered } from './answer-machine.ts';
import { idle, linger, proceed, rest, settle, stay } from './delivery-phases.ts';
import type { BatchPlace, DeliveryState, Effect, Input, Step, Wish } from './delivery-state.ts';
import { readRetryDelayMs } from './retry-policy.ts';
import { sumSkipped } from './skipped-counts.ts';

/** How soon ClickHouse is asked again for what it does not hold yet: about two inserts of the ingestor. */
export const behindPollMs = 500;
/** So many seqs without an event are passed without a batch; then one without events accounts for them. */
export const passedMax = 100_000;

/**
 * One subscription, as a machine: what happened comes in, what to do comes out, and nothing here waits, sends or looks at a clock.
 *
 *   idle ──grew──▶ lingering ──due──▶ queued ──slot──▶ reading ──batch──▶ sending ──delivered──▶ (queued │ lingering │ idle)
 *     │ ──due for a proof─────────────▶  ▲ without events │ nothing: idle        │ retry, misconfigured (split: queued)
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
      return slot(state, nowMs);
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
        proofIntervalMs: input.proofIntervalMs,
      });
  }
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
  const isTimed = phase.name === 'lingering' || phase.name === 'resting';
  const untilMs = isTimed ? phase.untilMs : phase.name === 'idle' ? state.proofAtMs : null;
  if (untilMs === null) return stay(state);
  // A timer may fire a moment early.
  return nowMs >= untilMs ? proceed(state) : { state, effects: [{ type: 'wake', atMs: untilMs }] };
}

function slot(state: DeliveryState, nowMs: number): Step {
  if (state.phase.name !== 'queued') return { state, effects: [{ type: 'release' }] };
  return {
    state: { ...state, phase: { name: 'reading', version: state.version }, hasGrown: false },
    effects: [
      {
        type: 'read',
        toSeq: state.trying?.toSeq ?? null,
        bytesMax: state.bytesLearned ?? state.bytesMax,
        isProofDue: state.proofAtMs !== null && nowMs >= state.proofAtMs,
      },
    ],
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
    case 'batch':
    case 'proof': {
      if (state.isPaused) return { state: { ...state, phase: idle }, effects: [release] };
      // Its filter or its limits may be others now.
      if (version !== state.version) return proceed(state, [release]);
      const tries = (state.trying?.tries ?? 0) + 1;
      const { kind, ...batch } = result;
      if (kind === 'batch' && isPassed(state, batch)) return pass(state, batch, jitter, nowMs);
      return {
        state: {
          ...state,
          phase: { name: 'sending', batch },
          // A proof that fails is not repeated: the next one says more.
          trying: kind === 'proof' ? null : { toSeq: batch.toSeq, tries },
          readFailures: 0,
        },
        effects: [{ type: 'send', tryNumber: tries }],
      };
    }
    case 'nothing': {
      const offset = fartherCut(state.cursor.offset, result.offset);
      const effects: Effect[] =
        offset === state.cursor.offset ? [release] : [release, { type: 'save', isUrgent: false }];
      const next = { ...state, cursor: { ...state.cursor, offset }, readFailures: 0 };
      return settle(next, jitter, nowMs, effects);
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
function pass(state: DeliveryState, batch: BatchPlace, jitter: number, nowMs: number): Step {
  const cursor: Cursor = { ...state.cursor, seq: batch.toSeq, offset: batch.offset, passed: batch.skipped };
  const next: DeliveryState = { ...state, cursor, readFailures: 0 };
  const effects: Effect[] = [{ type: 'release' }, { type: 'save', isUrgent: true }];
  return batch.mayHaveMore ? proceed(next, effects) : settle(next, jitter, nowMs, effects);
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
