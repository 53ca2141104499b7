import type { Outcome } from './outcome-policy.ts';

/** The next probe is the real oldest batch, and there is one a subscription, so a short cap is cheap. */
export const retryLimits = {
  firstMs: 1_000,
  /** During the first minutes of an outage … */
  freshCapMs: 15_000,
  freshForMs: 10 * 60_000,
  /** … and later. */
  staleCapMs: 5 * 60_000,
  /** A refusal is mended by people. */
  misconfiguredFirstMs: 15_000,
  retryAfterCapMs: 60 * 60_000,
  /** Jitter may be next to nothing; a receiver is never asked again at once. */
  leastMs: 100,
} as const;

export interface Failure {
  readonly outcome: Exclude<Outcome['kind'], 'delivered' | 'gone'>;
  /** Failed tries in a row, this one included. */
  readonly failures: number;
  /** How long the outage has lasted. */
  readonly failingForMs: number;
  /** What the receiver asked for; null when it did not. */
  readonly retryAfterMs: number | null;
  /** Random, 0 ≤ jitter < 1. */
  readonly jitter: number;
}

/**
 * How long to wait before the next try: full jitter below a doubling cap, so that many subscriptions to one receiver spread out. There is no limit to
 * the number of tries: nothing is dropped because a counter ran out (I6).
 */
export function retryDelayMs(failure: Failure): number {
  const { firstMs, freshCapMs, freshForMs, staleCapMs, misconfiguredFirstMs, retryAfterCapMs, leastMs } = retryLimits;
  const isMisconfigured = failure.outcome !== 'retry';
  const capMs = isMisconfigured || failure.failingForMs > freshForMs ? staleCapMs : freshCapMs;
  const doubledMs = (isMisconfigured ? misconfiguredFirstMs : firstMs) * 2 ** Math.min(failure.failures - 1, 30);
  const jitteredMs = Math.max(leastMs, Math.floor(failure.jitter * Math.min(capMs, doubledMs)));
  return Math.max(jitteredMs, Math.min(failure.retryAfterMs ?? 0, retryAfterCapMs));
}

/** Reading the log back fails with ClickHouse, not with the receiver: a plain doubling, reset by any success. */
export function readRetryDelayMs(failures: number, jitter: number): number {
  const capMs = Math.min(15_000, 500 * 2 ** Math.min(failures - 1, 10));
  return Math.floor(capMs * (0.5 + jitter / 2));
}

/** How soon ClickHouse is looked at again for what it does not hold yet: after about two inserts of the ingestor, and ever more rarely. */
export const behindLimits = { firstMs: 500, capMs: 5_000 } as const;

/** `reads`: how often in a row it did not hold it. */
export function behindDelayMs(reads: number): number {
  return Math.min(behindLimits.capMs, behindLimits.firstMs * 2 ** Math.min(reads - 1, 10));
}

/** The Retry-After header (RFC 9110 §10.2.3): seconds or a date. Null when it says nothing usable. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
