import type { Phase } from './ingest-state.ts';

/** For how long rows or records have waited without one being stored. */
export interface StallClock {
  /** Something waits, or nothing does. Called at every change; often is cheap. */
  waits(hasWaiting: boolean, nowMs: number): void;
  /** Rows were stored: what waits now has waited since now. */
  stored(nowMs: number): void;
  /** 0 when nothing waits. */
  stalledMs(nowMs: number): number;
}

export function createStallClock(): StallClock {
  let sinceMs: number | null = null;
  return {
    waits(hasWaiting, nowMs) {
      sinceMs = hasWaiting ? (sinceMs ?? nowMs) : null;
    },
    stored(nowMs) {
      if (sinceMs !== null) sinceMs = nowMs;
    },
    stalledMs: (nowMs) => (sinceMs === null ? 0 : nowMs - sinceMs),
  };
}

/** Records wait while a fetch is in hand or rows are queued, and may wait for an owner while there is none. */
export function isWaiting(phase: Phase, queuedBytes: number, batchesInHand: number): boolean {
  if (phase === 'idle' || phase === 'ended') return false;
  return phase !== 'running' || queuedBytes > 0 || batchesInHand > 0;
}
