/**
 * How large a body a receiver takes, learned as it goes: halved when it refuses one, and after every full batch that it takes a little more is tried
 * again, for a limit may be raised or depend on the hour. Of every 23 full batches of a receiver with a fixed limit about one is refused.
 */

/** After a refusal of a body of two events or more: fewer of them fit into half of it. */
export function halvedBytes(refusedBytes: number): number {
  return Math.max(1, Math.floor(refusedBytes / 2));
}

/** After a full batch was taken. Null, no limit but the owner's, once that is reached. */
export function grownBytes(learnedBytes: number | null, ownerBytesMax: number): number | null {
  if (learnedBytes === null) return null;
  const grown = learnedBytes + Math.max(1, Math.ceil(learnedBytes / 32));
  return grown >= ownerBytesMax ? null : grown;
}

/**
 * How many batches are under way at once after an answer: one more after a window that was full and taken, half as many after anything else (AIMD). So a receiver that bears
 * no more than some is asked for that many most of the time, and one in trouble for one at a time.
 */
export function windowAfter(
  { window, windowMax }: { readonly window: number; readonly windowMax: number },
  { isTaken, underWay }: { readonly isTaken: boolean; readonly underWay: number },
): number {
  if (!isTaken) return Math.max(1, Math.floor(window / 2));
  return underWay < window ? window : Math.min(windowMax, window + 1);
}
