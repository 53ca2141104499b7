import { isAskedFor } from '@docket/directory';

import type { BatchPlace, DeliveryState, Effect, Step } from './delivery-state.ts';
import { proofAtMs } from './proof-policy.ts';
import { isNarrowing } from './refusal-machine.ts';

/** Nothing happens. */
export const stay = (state: DeliveryState): Step => ({ state, effects: [] });
export const idle = { name: 'idle' } as const;

/** Goes for the next batch at once. */
export function proceed(state: DeliveryState, effects: readonly Effect[] = []): Step {
  if (state.isPaused) return { state: { ...state, phase: idle }, effects };
  return { state: { ...state, phase: { name: 'queued' } }, effects: [...effects, { type: 'ask' }] };
}

/** Lets events gather for a moment first. */
export function linger(state: DeliveryState, nowMs: number, effects: readonly Effect[] = []): Step {
  if (state.isPaused || state.lingerMs === 0) return proceed(state, effects);
  const untilMs = nowMs + state.lingerMs;
  return {
    state: { ...state, phase: { name: 'lingering', untilMs } },
    effects: [...effects, { type: 'wake', atMs: untilMs }],
  };
}

/** Nothing is left: sends a parked event again if one is asked for, waits for records, or until it is time to prove that there were none. */
export function settle(state: DeliveryState, jitter: number, nowMs: number, effects: readonly Effect[]): Step {
  if (state.hasGrown) return linger(state, nowMs, effects);
  if (state.isPaused) return { state: { ...state, phase: idle, proofAtMs: null }, effects };
  const { cursor, proofIntervalMs: intervalMs } = state;
  const due = proofAtMs({ toldAtMs: cursor.toldAtMs, intervalMs, nowMs, jitter });
  const next: DeliveryState = { ...state, phase: idle, proofAtMs: due };
  const atMs = idleUntilMs(next);
  // Not without the turn: the log has been looked at since the last one.
  if (atMs !== null && atMs <= nowMs && state.replay.isItsTurn) return proceed(next, effects);
  return { state: next, effects: atMs === null ? effects : [...effects, { type: 'wake', atMs }] };
}

/** Until when there is nothing to do without new records; null: for ever. */
export function idleUntilMs(state: DeliveryState): number | null {
  const { proofAtMs: proof, parked, replay } = state;
  if (!mayReplay(state) || !parked.some(isAskedFor)) return proof;
  return proof === null ? replay.atMs : Math.min(proof, replay.atMs);
}

/** Parked events are sent again only while the receiver takes everything else. */
export function mayReplay({ cursor, trying, refusals }: DeliveryState): boolean {
  return cursor.state === 'active' && trying === null && !isNarrowing(refusals);
}

/** Nothing is sent until the owner changes the subscription; the cursor is kept (I6). */
export function suspend(state: DeliveryState, error: string, nowMs: number, effects: readonly Effect[]): Step {
  const { cursor, version } = state;
  const failingSinceMs = cursor.failingSinceMs ?? nowMs;
  const suspended = {
    ...cursor,
    state: 'suspended',
    suspendedVersion: version,
    failingSinceMs,
    lastError: error,
  } as const;
  return {
    state: { ...state, cursor: suspended, phase: { name: 'suspended' } },
    effects: [...effects, { type: 'save', isUrgent: true }],
  };
}

export function rest(
  state: DeliveryState,
  { untilMs, forNeighbour = false }: { readonly untilMs: number; readonly forNeighbour?: boolean },
  effects: readonly Effect[],
): Step {
  if (state.isPaused) return { state: { ...state, phase: idle }, effects };
  return {
    state: { ...state, phase: { name: 'resting', untilMs, forNeighbour } },
    effects: [...effects, { type: 'wake', atMs: untilMs }],
  };
}

/** The place of a batch, of a result that says more. */
export function placeOf(result: BatchPlace): BatchPlace {
  const { toSeq, eventSeq, eventCount, eventSeqs, skipped, bodyBytes, offset, mayHaveMore, isLast } = result;
  return { toSeq, eventSeq, eventCount, eventSeqs, skipped, bodyBytes, offset, mayHaveMore, isLast };
}
