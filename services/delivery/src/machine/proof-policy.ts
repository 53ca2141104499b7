/** A proof that could not be made, or is overdue after a restart, is not tried again at once. */
const leastMs = 1_000;

/**
 * When an idle subscription is to be told that nothing happened: an interval after the receiver last acknowledged anything, and up to a tenth later, so
 * that many subscriptions spread out; also after a restart, when all of them may be overdue. Null: never.
 */
export function proofAtMs(given: {
  /** Null: the receiver has not been told anything yet. */
  readonly toldAtMs: number | null;
  /** 0: never. */
  readonly intervalMs: number;
  readonly nowMs: number;
  /** Random, 0 ≤ jitter < 1. */
  readonly jitter: number;
}): number | null {
  const { toldAtMs, intervalMs, nowMs, jitter } = given;
  if (intervalMs === 0) return null;
  // A clock that was ahead once must not put proofs off until the others have come that far.
  const dueMs = Math.min(toldAtMs ?? nowMs, nowMs) + intervalMs;
  return Math.max(dueMs, nowMs + leastMs) + Math.floor((jitter * intervalMs) / 10);
}
