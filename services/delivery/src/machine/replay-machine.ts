import { isAskedFor, mergedParked } from '@docket/directory';
import type { ParkedEvent } from '@docket/directory';

import { idle, mayReplay, placeOf, proceed, stay } from './delivery-phases.ts';
import type { DeliveryState, Effect, Input, Step } from './delivery-state.ts';
import { readRetryDelayMs, retryDelayMs } from './retry-policy.ts';

const release: Effect = { type: 'release' };

/**
 * The part of delivery-machine that sends parked events again: one between two batches of a healthy subscription, outside the order and without moving the
 * cursor. Failures delay the next replay, never the stream.
 */
export function nextReplay(state: DeliveryState, nowMs: number): ParkedEvent | undefined {
  const { replay, parked } = state;
  if (!replay.isItsTurn || !mayReplay(state) || nowMs < replay.atMs) return undefined;
  return parked.find(isAskedFor);
}

/** Somebody asked for it, or does without it, here or elsewhere. */
export function asked(state: DeliveryState, parked: ParkedEvent): Step {
  if (parked.isDismissed === true) return withoutDismissed(withParked(state, parked));
  const known = state.parked.find(({ seq }) => seq === parked.seq);
  const merged = mergedParked(known, parked);
  const isNews = isAskedFor(merged) && merged.asks !== known?.asks;
  const next = withParked(state, merged);
  if (!isNews) return stay(next);
  const ready = { ...next, replay: { isItsTurn: true, atMs: 0, failures: 0 } };
  return state.phase.name === 'idle' ? proceed(ready) : stay(ready);
}

/** Takes off the list what its owner does without. An answer that is still to come about one of them changes nothing. */
export function withoutDismissed(state: DeliveryState): Step {
  const dismissed = state.parked.filter(({ isDismissed }) => isDismissed === true);
  if (dismissed.length === 0) return stay(state);
  return {
    state: { ...state, parked: state.parked.filter((one) => !dismissed.includes(one)) },
    effects: dismissed.map(({ seq }) => ({ type: 'forget_parked', seq })),
  };
}

export function replayRead(
  state: DeliveryState,
  phase: { readonly parkedSeq: number; readonly version: string },
  { result, jitter }: Extract<Input, { type: 'read' }>,
  nowMs: number,
): Step {
  const { parkedSeq } = phase;
  switch (result.kind) {
    case 'batch': {
      if (state.isPaused) return { state: { ...state, phase: idle }, effects: [release] };
      if (phase.version !== state.version) return proceed(state, [release]);
      const batch = placeOf(result);
      const { version } = state;
      const sending = {
        name: 'sending',
        batch,
        following: [],
        aside: { kind: 'parked', seq: parkedSeq },
        version,
        leftOut: [],
      } as const;
      return {
        state: { ...state, phase: sending },
        effects: [{ type: 'send', tryNumber: state.replay.failures + 1 }],
      };
    }
    case 'expired':
      return proceed(withoutParked(state, parkedSeq), [release, { type: 'forget_parked', seq: parkedSeq }]);
    case 'proof':
    case 'located':
    case 'renumbered':
    case 'nothing':
    case 'behind':
    case 'failed': {
      const failures = state.replay.failures + 1;
      return later(state, failures, nowMs + readRetryDelayMs(failures, jitter));
    }
  }
}

/** Undefined: the answer is about the subscription, not about this event. */
export function replayAnswered(
  state: DeliveryState,
  parkedSeq: number,
  input: Extract<Input, { type: 'answered' }>,
  nowMs: number,
): Step | undefined {
  const { outcome, error, excerpt, retryAfterMs, jitter } = input;
  const done = { ...state, replay: { ...state.replay, failures: 0 } };
  switch (outcome.kind) {
    case 'delivered':
      return proceed(withoutParked(done, parkedSeq), [release, { type: 'forget_parked', seq: parkedSeq }]);
    case 'reject_event':
    case 'split': {
      const known = state.parked.find(({ seq }) => seq === parkedSeq);
      if (known === undefined) return proceed(done, [release]);
      const parked = { ...known, error, answerExcerpt: excerpt, refused: known.asks };
      return proceed(withParked(done, parked), [release, { type: 'keep_parked', parked }]);
    }
    case 'retry':
    case 'misconfigured': {
      const failures = state.replay.failures + 1;
      const delayMs = retryDelayMs({ outcome: outcome.kind, failures, failingForMs: 0, retryAfterMs, jitter });
      return later(state, failures, nowMs + delayMs);
    }
    case 'gone':
      return undefined;
  }
}

function later(state: DeliveryState, failures: number, atMs: number): Step {
  return proceed({ ...state, replay: { ...state.replay, failures, atMs } }, [release]);
}

export function withParked(state: DeliveryState, parked: ParkedEvent): DeliveryState {
  const others = state.parked.filter(({ seq }) => seq !== parked.seq);
  return { ...state, parked: [...others, parked].sort((a, b) => a.seq - b.seq) };
}

export function withoutParked(state: DeliveryState, parkedSeq: number): DeliveryState {
  return { ...state, parked: state.parked.filter(({ seq }) => seq !== parkedSeq) };
}
