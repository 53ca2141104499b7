import { noAnswers } from './breaker-policy.ts';
import { fartherCut, toldSeq } from '../cursors/cursor-mapper.ts';
import type { Cursor } from '../cursors/cursor-mapper.ts';
import { answered, failed } from './answer-machine.ts';
import { idle, idleUntilMs, linger, placeOf, proceed, rest, settle, stay } from './delivery-phases.ts';
import { nothingRefused, passedMax } from './delivery-state.ts';
import type { Aside, BatchPlace, DeliveryState, Effect, Input, Step, Wish } from './delivery-state.ts';
import { tell, wasTold, withNotice } from '../notices/notice-machine.ts';
import { isNarrowing, needsProbe, refusalsEventsMax } from './refusal-machine.ts';
import { asked, nextReplay, replayRead, withoutDismissed } from './replay-machine.ts';
import { behindDelayMs, readRetryDelayMs } from './retry-policy.ts';
import { noneSkipped, sumSkipped } from '../batches/skipped-counts.ts';

const noBatches: readonly BatchPlace[] = [];

/**
 * One subscription, as a machine: what happened comes in, what to do comes out, and nothing here waits, sends or looks at a clock.
 *
 *   idle ──grew──▶ lingering ──due──▶ queued ──slot──▶ reading ──batch──▶ sending ──delivered──▶ (queued │ lingering │ idle)
 *     │ ──due for a proof─────────────▶  ▲ without events │ nothing: idle        │ retry, misconfigured (split: queued)
 *     └──── nothing left ────────────────┴────due──── resting ◀── behind, failed ┴──────────────┘        gone ──▶ suspended
 *
 * At most one batch is under way, or of a window several, each behind the one before; the cursor moves over those in front that were all taken. A batch that failed is tried again with the same range until it is acknowledged; the cursor moves
 * only then, or over what has no event for the receiver (I6).
 */
export function stepDelivery(state: DeliveryState, input: Input, nowMs: number): Step {
  return withNotice(state.cursor, step(state, input, nowMs), nowMs);
}

function step(state: DeliveryState, input: Input, nowMs: number): Step {
  switch (input.type) {
    case 'began': {
      // What an owner before has perhaps not told any more, nor kept: it is told when the cursor is.
      const untold: Effect[] = state.cursor.untold.length === 0 ? [] : [{ type: 'save', isUrgent: true }];
      const listed = withoutDismissed(state);
      const effects = [...listed.effects, ...untold];
      return state.phase.name === 'idle' ? proceed(listed.state, effects) : { state: listed.state, effects };
    }
    case 'kept':
      return tell(state, input.untold);
    case 'told':
      return wasTold(state, input.notice);
    case 'grew':
      return grew(state, nowMs);
    case 'due':
      return due(state, nowMs);
    case 'slot':
      return slot(state, input.isNarrow ?? false, nowMs);
    case 'read':
      return state.phase.name === 'reading' ? wasRead(state, state.phase, input, nowMs) : stay(state);
    case 'answered':
      return state.phase.name === 'sending' ? answered(state, state.phase, input, nowMs) : stay(state);
    case 'parked':
      return asked(state, input.parked);
    case 'changed':
      return changed(state, {
        isPaused: input.isPaused,
        version: input.version,
        lingerMs: input.lingerMs,
        bytesMax: input.bytesMax,
        windowMax: input.windowMax,
        proofIntervalMs: input.proofIntervalMs,
        suspendAfterMs: input.suspendAfterMs,
        noticeAfterMs: input.noticeAfterMs,
        resume: input.resume,
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
    case 'resting':
      return state.phase.forNeighbour ? proceed(state) : stay(state);
    case 'lingering':
    case 'queued':
    case 'suspended':
      return stay(state);
  }
}

function due(state: DeliveryState, nowMs: number): Step {
  const { phase } = state;
  const isTimed = phase.name === 'lingering' || phase.name === 'resting';
  const untilMs = isTimed ? phase.untilMs : phase.name === 'idle' ? idleUntilMs(state) : null;
  if (untilMs === null) return stay(state);
  // A timer may fire a moment early.
  return nowMs >= untilMs ? proceed(state) : { state, effects: [{ type: 'wake', atMs: untilMs }] };
}

function slot(state: DeliveryState, isNarrow: boolean, nowMs: number): Step {
  if (state.phase.name !== 'queued') return { state, effects: [{ type: 'release' }] };
  const { version, refusals, replay, resume } = state;
  if (resume !== null && resume.id !== state.cursor.resumeId) {
    return {
      state: { ...state, phase: { name: 'reading', version, aside: null } },
      effects: [{ type: 'locate', resume }],
    };
  }
  const parked = nextReplay(state, nowMs);
  if (parked !== undefined) {
    const phase = { name: 'reading', version, aside: { kind: 'parked', seq: parked.seq } } as const;
    return {
      state: { ...state, phase, replay: { ...replay, isItsTurn: false } },
      effects: [{ type: 'read_parked', parked }],
    };
  }
  const isProbe = needsProbe(refusals);
  return {
    state: {
      ...state,
      phase: { name: 'reading', version, aside: isProbe ? { kind: 'probe' } : null },
      hasGrown: false,
      replay: { ...replay, isItsTurn: true },
    },
    effects: [
      {
        type: 'read',
        // What leaves events out ends with the first that is not, also when it is made again.
        toSeq: refusals.refused.length > 0 ? null : (state.trying?.toSeq ?? null),
        bytesMax: state.bytesLearned ?? state.bytesMax,
        eventsMax: refusalsEventsMax(refusals),
        batchesMax: state.trying === null && !isNarrowing(refusals) && !isNarrow ? state.window : 1,
        without: refusals.refused.map(({ seq }) => seq),
        isProbe,
        isProofDue: state.proofAtMs !== null && nowMs >= state.proofAtMs,
      },
    ],
  };
}

function wasRead(
  state: DeliveryState,
  { version, aside }: { readonly version: string; readonly aside: Aside | null },
  input: Extract<Input, { type: 'read' }>,
  nowMs: number,
): Step {
  if (aside?.kind === 'parked') return replayRead(state, { version, parkedSeq: aside.seq }, input, nowMs);
  const { result, jitter } = input;
  const release: Effect = { type: 'release' };
  switch (result.kind) {
    case 'batch':
    case 'proof': {
      if (state.isPaused) return { state: { ...state, phase: idle }, effects: [release] };
      // Its filter or its limits may be others now.
      if (version !== state.version) return proceed(state, [release]);
      const tries = (state.trying?.tries ?? 0) + 1;
      const { kind } = result;
      const following = result.kind === 'batch' ? (result.following ?? noBatches) : noBatches;
      const batch = placeOf(result);
      if (state.refusals.refused.length > 0 && batch.eventCount === 0) return alone(state, jitter, nowMs);
      if (kind === 'batch' && isPassed(state, batch)) return pass(state, batch, jitter, nowMs);
      return {
        state: {
          ...state,
          phase: {
            name: 'sending',
            batch,
            following,
            aside,
            version,
            leftOut: aside === null ? state.refusals.refused : [],
          },
          // A proof that fails is not repeated: the next one says more.
          trying: kind === 'proof' || aside !== null ? null : { toSeq: batch.toSeq, tries },
          readFailures: 0,
          behindReads: 0,
        },
        effects: [{ type: 'send', tryNumber: tries }],
      };
    }
    case 'nothing': {
      const offset = fartherCut(state.cursor.offset, result.offset);
      const effects: Effect[] =
        offset === state.cursor.offset ? [release] : [release, { type: 'save', isUrgent: false }];
      const cursor = { ...state.cursor, offset, generation: state.generation };
      const next = { ...state, cursor, readFailures: 0, behindReads: 0 };
      return settle(next, jitter, nowMs, effects);
    }
    case 'located':
      // It may be the place of an order that another has replaced: that one is looked for now.
      return version === state.version ? moved(state, result.seq) : proceed(state, [release]);
    case 'renumbered':
      return movedBack(state, result.seq, nowMs);
    case 'expired':
    case 'behind': {
      const behindReads = state.behindReads + 1;
      return rest({ ...state, readFailures: 0, behindReads }, { untilMs: nowMs + behindDelayMs(behindReads) }, [
        release,
      ]);
    }
    case 'failed': {
      const readFailures = state.readFailures + 1;
      const untilMs = nowMs + readRetryDelayMs(readFailures, jitter);
      return rest({ ...state, readFailures }, { untilMs }, [release]);
    }
  }
}

/** A batch without events, of which the receiver need not hear yet, or never does: what has no body is not sent, and so nobody acknowledges it. */
function isPassed(state: DeliveryState, batch: BatchPlace): boolean {
  if (batch.eventCount > 0) return false;
  const isNew = state.trying === null && !batch.isLast;
  return batch.bodyBytes === 0 || (isNew && isSmall(batch));
}

/** The next batch can account for it, too (I8). */
function isSmall({ skipped }: BatchPlace): boolean {
  return sumSkipped(skipped) < passedMax;
}

/** Nothing is there but what was refused: without a neighbour that is taken, nothing shows that the receiver would take any. */
function alone(state: DeliveryState, jitter: number, nowMs: number): Step {
  const error = state.refusals.refused.at(-1)?.error ?? '';
  const failing = { outcome: 'misconfigured', error, retryAfterMs: null, jitter, forNeighbour: true } as const;
  return failed({ ...state, readFailures: 0 }, failing, nowMs);
}

/**
 * Goes on where the owner wants to. What is left out is passed as skipped by the owner, so that the receiver can still prove that it misses nothing else; what
 * comes again begins a range that it knows.
 */
function moved(state: DeliveryState, toSeq: number): Step {
  const { cursor, resume } = state;
  const told = toldSeq(cursor);
  const { operator_skipped: skipped } = cursor.passed;
  const place =
    toSeq >= cursor.seq
      ? { seq: toSeq, passed: { ...cursor.passed, operator_skipped: skipped + toSeq - cursor.seq } }
      : backTo(Math.min(toSeq, told), cursor.eventSeq);
  // A cut belongs to its seq.
  const offset = place.seq === cursor.seq ? cursor.offset : null;
  return elsewhere(state, { ...cursor, ...place, offset, resumeId: resume?.id ?? '' });
}

/** Its seq is of a numbering that the log does not have: what was sent since comes again, with the numbers that it has now, rather than never (I6). */
function movedBack(state: DeliveryState, toSeq: number, nowMs: number): Step {
  const { cursor } = state;
  const place = backTo(Math.min(toSeq, toldSeq(cursor)), cursor.eventSeq);
  const move = { fromSeq: cursor.seq, toSeq: place.seq, atMs: nowMs };
  return elsewhere(state, { ...cursor, ...place, offset: null, movedBack: move });
}

function elsewhere(state: DeliveryState, cursor: Cursor): Step {
  const { generation } = state;
  const nothingKnown = { trying: null, refusals: nothingRefused, readFailures: 0, behindReads: 0 };
  return proceed({ ...state, ...nothingKnown, cursor: { ...cursor, generation, reset: cursor.reset + 1 } }, [
    { type: 'release' },
    { type: 'save', isUrgent: true },
  ]);
}

/** Which event was sent before a place is known of the last one only; 0: of none, rather than a number that no event may have. */
function backTo(seq: number, eventSeq: number): Pick<Cursor, 'seq' | 'passed' | 'eventSeq'> {
  return { seq, passed: noneSkipped, eventSeq: eventSeq <= seq ? eventSeq : 0 };
}

/** Goes on behind what has no event, without a request; the next batch accounts for it. */
function pass(state: DeliveryState, batch: BatchPlace, jitter: number, nowMs: number): Step {
  const place = { seq: batch.toSeq, offset: batch.offset, generation: state.generation };
  const cursor: Cursor = { ...state.cursor, ...place, passed: isSmall(batch) ? batch.skipped : noneSkipped };
  const suspect = state.refusals.suspect;
  const isBehind = suspect !== null && suspect.toSeq <= batch.toSeq;
  const refusals = isBehind ? { ...state.refusals, suspect: null } : state.refusals;
  const next: DeliveryState = { ...state, cursor, refusals, trying: null, readFailures: 0, behindReads: 0 };
  const effects: Effect[] = [{ type: 'release' }, { type: 'save', isUrgent: true }];
  return batch.mayHaveMore ? proceed(next, effects) : settle(next, jitter, nowMs, effects);
}

function changed(state: DeliveryState, wish: Wish): Step {
  // The directory may be read again; only news is a reason to try at once.
  if (wish.isPaused === state.isPaused && wish.version === state.version && wish.lingerMs === state.lingerMs)
    return stay(state);
  const isNews = wish.version !== state.version;
  const { cursor: known } = state;
  // What it did as it was, or while nothing was tried, does not count against it as it is.
  const isForgiven = isNews && known.failingSinceMs !== null;
  const saves: readonly Effect[] = isForgiven ? [{ type: 'save', isUrgent: true }] : [];
  const next: DeliveryState = {
    ...state,
    ...wish,
    cursor: isForgiven ? { ...known, failingSinceMs: null } : known,
    // What failed is made anew, by the filter and the limits as they are now; and then it must be looked for, too.
    trying: isNews ? null : state.trying,
    // The evidence is about the subscription as it was.
    refusals: isNews ? nothingRefused : state.refusals,
    failures: isNews ? 0 : state.failures,
    recent: isNews ? noAnswers : state.recent,
    proofAtMs: wish.proofIntervalMs === 0 ? null : state.proofAtMs,
    hasGrown: state.hasGrown || isNews,
    window: Math.min(state.window, wish.windowMax),
    bytesLearned: null,
  };
  switch (state.phase.name) {
    case 'reading':
    case 'sending':
      return { state: next, effects: saves };
    case 'queued':
      return wish.isPaused
        ? { state: { ...next, phase: idle }, effects: [...saves, { type: 'cancel' }] }
        : { state: next, effects: saves };
    case 'suspended': {
      if (!isNews) return stay(next);
      const cursor: Cursor = { ...next.cursor, state: 'active', suspendedVersion: '', lastError: '' };
      return proceed({ ...next, cursor }, [{ type: 'save', isUrgent: true }]);
    }
    case 'idle':
    case 'lingering':
    case 'resting':
      // Somebody may just have mended what failed: try at once.
      return proceed({ ...next, phase: idle }, saves);
  }
}
