// Looked up once: in a test's sandbox every mention of a global costs as much as the arithmetic.
const { floor, imul } = Math;

/** A reproducible source of chance: the same seed, the same choices (mulberry32). */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, bound). */
  below(bound: number): number;
  chance(probability: number): boolean;
  /** Undefined of an empty list. */
  pick<T>(list: readonly T[]): T | undefined;
}

export function createRandom(seed: number): Random {
  let state = imul(seed + 1, 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => floor(next() * bound);
  return { next, below, chance: (probability) => next() < probability, pick: (list) => list[below(list.length)] };
}
