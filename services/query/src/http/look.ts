import { setTimeout as pause } from 'node:timers/promises';
import { DocketError } from '@docket/runtime';

/** The first look again comes soon, because an event is usually readable within half a second; later ones are rarer. */
const firstPauseMs = 50;
const pauseMsMax = 500;

/** Looks until there is something, or the time is over: then null. At least once; `read` gives null for nothing yet. */
export async function look<T>(read: () => Promise<T | null>, waitMs: number, signal: AbortSignal): Promise<T | null> {
  const endsAtMs = performance.now() + waitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, pauseMsMax)) {
    const leftMs = endsAtMs - performance.now();
    const found = await read().catch((error: unknown) => {
      // The next look may find a place.
      if (leftMs > 0 && isAtLimit(error)) return null;
      throw error;
    });
    if (found !== null || leftMs <= 0) return found;
    await pause(Math.min(pauseMs, leftMs), undefined, { signal });
  }
}

function isAtLimit(error: unknown): boolean {
  return error instanceof DocketError && (error.code === 'rate_limited' || error.code === 'overloaded');
}
