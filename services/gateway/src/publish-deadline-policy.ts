import { publishDeadlineMs, publishMsMin } from './limits.ts';

/**
 * How long Kafka may take for a request that began so long ago: what is left of the deadline, so that the answer comes within 5 s also where many requests
 * are read and judged at once; but no less than a body that took its time to arrive needs.
 */
export function publishMsOf(elapsedMs: number): number {
  return Math.max(publishMsMin, publishDeadlineMs - Math.max(0, elapsedMs));
}
