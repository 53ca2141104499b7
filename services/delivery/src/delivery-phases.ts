import type { DeliveryState, Effect, Step } from './delivery-state.ts';
import { proofAtMs } from './proof-policy.ts';

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

/** Nothing is left: waits for records, or until it is time to prove that there were none. */
export function settle(state: DeliveryState, jitter: number, nowMs: number, effects: readonly Effect[]): Step {
  if (state.hasGrown) return linger(state, nowMs, effects);
  if (state.isPaused) return { state: { ...state, phase: idle, proofAtMs: null }, effects };
  const { cursor, proofIntervalMs: intervalMs } = state;
  const atMs = proofAtMs({ toldAtMs: cursor.toldAtMs, intervalMs, nowMs, jitter });
  const next = { ...state, phase: idle, proofAtMs: atMs };
  return { state: next, effects: atMs === null ? effects : [...effects, { type: 'wake', atMs }] };
}

export function rest(state: DeliveryState, untilMs: number, effects: readonly Effect[]): Step {
  if (state.isPaused) return { state: { ...state, phase: idle }, effects };
  return {
    state: { ...state, phase: { name: 'resting', untilMs } },
    effects: [...effects, { type: 'wake', atMs: untilMs }],
  };
}
