/** Times of one question, in ms. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

export function timesOf(samples: readonly number[]): Times {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), count: sorted.length };
}

/** Asks one after another; the first ones warm up what a running installation has warm, and are not counted. */
export async function timeEach(ask: (index: number) => Promise<void>, count: number, warmUps = 3): Promise<Times> {
  for (let index = 0; index < warmUps; index += 1) await ask(index);
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const beganAtMs = performance.now();
    await ask(index);
    samples.push(performance.now() - beganAtMs);
  }
  return timesOf(samples);
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
