const firstMs = 100;
const longestMs = 5_000;

/** Doubles from 100 ms to 5 s; half of it is jitter, so that instances do not return together. `random` is in [0, 1). */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 10));
  return Math.ceil(ceiling * (0.5 + random / 2));
}
