import { grownBytes, halvedBytes, windowAfter } from './batch-size-policy.ts';
import { withAnswer } from './breaker-policy.ts';
import type { Cursor } from '../cursors/cursor-mapper.ts';
import { proceed, rest, settle, suspend } from './delivery-phases.ts';
import type { BatchPlace, DeliveryState, Effect, Input, Sending, Step } from './delivery-state.ts';
import { fromTheFirst, isNarrowing, parkedOf, probeTaken, refuse, taken } from './refusal-machine.ts';
import { replayAnswered, withParked, withoutParked } from './replay-machine.ts';
import { retryDelayMs } from './retry-policy.ts';
import { noneSkipped } from '../batches/skipped-counts.ts';

type Answered = Extract<Input, { type: 'answered' }>;

const release: Effect = { type: 'release' };
const save: Effect = { type: 'save', isUrgent: true };

/** So many time-outs in a row of one batch mean that it is too much for the receiver. */
const timeoutsMax = 3;

/** The part of delivery-machine that follows an answer: what a request came to, and what is done about it. */
export function answered(state: DeliveryState, sent: Sending, input: Answered, nowMs: number): Step {
  const all = [sent.batch, ...sent.following];
  const { acknowledged: count = 0, outcome } = input;
  const window = windowAfter(state, { isTaken: outcome.kind === 'delivered', underWay: all.length });
  const batch = all[count];
  if (count === 0 || batch === undefined)
    return judged(window === state.window ? state : { ...state, window }, sent, input, nowMs);
  // Those in front of the first that was not taken, or of the last; what was taken behind it comes again.
  const moved = acknowledge({ ...state, window }, all.slice(0, count), [], nowMs);
  const trying = { toSeq: batch.toSeq, tries: 1 };
  const { state: next, effects } = judged({ ...moved.state, trying }, { ...sent, batch, following: [] }, input, nowMs);
  return { state: next, effects: [...moved.effects, ...effects] };
}

function judged(state: DeliveryState, sent: Sending, input: Answered, nowMs: number): Step {
  const { batch, aside } = sent;
  // It is about the subscription as it was, and may be mended by what was changed: only what the receiver has, it has.
  if (input.outcome.kind !== 'delivered' && sent.version !== state.version)
    return proceed({ ...state, trying: null }, [release]);
  const replayed = aside?.kind === 'parked' ? replayAnswered(state, aside.seq, input, nowMs) : undefined;
  if (replayed !== undefined) return replayed;
  switch (input.outcome.kind) {
    case 'delivered':
      if (aside?.kind === 'probe') return proceed({ ...state, refusals: probeTaken(state.refusals) }, [release]);
      return delivered(state, sent, input, nowMs);
    case 'split':
      // One event is the least that can be sent: what is refused then is the event.
      if (batch.eventCount === 1) return refused(state, batch, { indices: [0], hasTaken: false }, input, nowMs);
      if (batch.eventCount === 0) return failed(state, { ...input, outcome: 'misconfigured' }, nowMs);
      return proceed(smaller(state, batch), [release]);
    case 'retry': {
      const isTooMuch = input.error === 'timeout' && batch.eventCount > 1 && (state.trying?.tries ?? 0) >= timeoutsMax;
      return failed(isTooMuch ? smaller(state, batch) : state, { ...input, outcome: 'retry' }, nowMs);
    }
    case 'misconfigured':
      return failed(state, { ...input, outcome: 'misconfigured' }, nowMs);
    case 'reject_event':
      return refused(state, batch, input.outcome, input, nowMs);
    case 'gone':
      return suspend(state, input.error, nowMs, [release]);
  }
}

/** The next batch is made anew, of half of it. */
function smaller(state: DeliveryState, batch: BatchPlace): DeliveryState {
  return { ...state, trying: null, bytesLearned: halvedBytes(batch.bodyBytes) };
}

/** These were taken, one behind the other: the cursor moves. */
function acknowledge(
  state: DeliveryState,
  batches: readonly BatchPlace[],
  leftOut: Sending['leftOut'],
  nowMs: number,
): Step {
  const last = batches.at(-1);
  if (last === undefined) return { state, effects: [] };
  const { reset, resumeId, movedBack, noticed, noticedAtMs, untold } = state.cursor;
  const cursor: Cursor = {
    reset,
    seq: last.toSeq,
    // A cut belongs to its seq: the old one says nothing about the new seq.
    offset: last.offset,
    generation: state.generation,
    eventSeq: last.eventSeq,
    passed: noneSkipped,
    toldAtMs: nowMs,
    state: 'active',
    suspendedVersion: '',
    resumeId,
    movedBack,
    failingSinceMs: null,
    lastError: '',
    noticed,
    noticedAtMs,
    untold,
  };
  const refusals = batches.reduce(taken, state.refusals);
  const recent = withAnswer(state.recent, true);
  const next = { ...state, cursor, refusals, trying: null, proofAtMs: null, failures: 0, recent };
  // Nearly always.
  if (leftOut.length === 0 && state.parked.length === 0) return { state: next, effects: [save] };
  const parked = leftOut.filter(({ seq }) => seq <= last.toSeq).map((one) => parkedOf(one, nowMs));
  // Parked by an owner who ended before its cursor was kept, and taken now.
  const found = state.parked.filter(({ seq }) => batches.some(({ eventSeqs }) => eventSeqs.includes(seq)));
  return {
    state: found.reduce((listing, { seq }) => withoutParked(listing, seq), parked.reduce(withParked, next)),
    effects: [
      ...parked.map((one): Effect => ({ type: 'keep_parked', parked: one })),
      ...found.map(({ seq }): Effect => ({ type: 'forget_parked', seq })),
      save,
    ],
  };
}

function delivered(state: DeliveryState, { batch, leftOut }: Sending, input: Answered, nowMs: number): Step {
  const step = acknowledge(state, [batch], leftOut, nowMs);
  const bytesLearned = batch.mayHaveMore ? grownBytes(state.bytesLearned, state.bytesMax) : state.bytesLearned;
  const next = bytesLearned === state.bytesLearned ? step.state : { ...step.state, bytesLearned };
  const effects: Effect[] = [release, ...step.effects];
  // What is known of a batch is from when it was first read: whatever came while it waited for its next try, or was narrowed, is behind it.
  const wasTriedBefore = state.trying !== null && state.trying.tries > 1;
  if (batch.mayHaveMore || wasTriedBefore || isNarrowing(state.refusals)) return proceed(next, effects);
  return settle(next, input.jitter, nowMs, effects);
}

function refused(
  state: DeliveryState,
  batch: BatchPlace,
  which: { readonly indices: readonly number[]; readonly hasTaken: boolean; readonly isInOrder?: true },
  input: Answered,
  nowMs: number,
): Step {
  const { error, excerpt } = input;
  const step = refuse(state, batch, { ...which, error, excerpt });
  if (step.kind === 'narrowed') return proceed({ ...state, trying: null, refusals: step.refusals }, [release]);
  return failed(state, { ...input, error: step.error, outcome: 'misconfigured' }, nowMs);
}

/** What is tried again later. */
export interface Failing {
  readonly outcome: 'retry' | 'misconfigured';
  readonly error: string;
  readonly retryAfterMs: number | null;
  readonly jitter: number;
  /** Also as soon as there is more in the log. */
  readonly forNeighbour?: boolean;
}

/** The same again, later. */
export function failed(state: DeliveryState, failing: Failing, nowMs: number): Step {
  const { cursor } = state;
  const { outcome, error, retryAfterMs, jitter, forNeighbour = false } = failing;
  const failures = state.failures + 1;
  const failingSinceMs = cursor.failingSinceMs ?? nowMs;
  if (nowMs - failingSinceMs >= state.suspendAfterMs) return suspend(state, error, nowMs, [release]);
  const next: Cursor = { ...cursor, state: 'failing', failingSinceMs, lastError: error };
  const delayMs = retryDelayMs({ outcome, failures, failingForMs: nowMs - failingSinceMs, retryAfterMs, jitter });
  const isNews = cursor.state !== next.state || cursor.lastError !== next.lastError;
  const effects: Effect[] = isNews ? [release, save] : [release];
  // What was known of refusals proves nothing after that: it is found out again.
  const trying = isNarrowing(state.refusals) ? null : state.trying;
  const recent = withAnswer(state.recent, false);
  const failedState = { ...state, cursor: next, failures, recent, trying, refusals: fromTheFirst(state.refusals) };
  return rest(failedState, { untilMs: nowMs + delayMs, forNeighbour }, effects);
}
