import type { Stack } from '@docket/local-stack';

/** One line of the table: what was done to what, how often, and what came of it. */
export interface FaultRow {
  readonly fault: string;
  readonly target: string;
  readonly times: number;
  readonly figures: string;
}

export interface FaultContext {
  readonly stack: Stack;
  /** One line for whoever watches. */
  readonly say: (line: string) => void;
  /** Adds a line to the table that is printed at the end. */
  readonly row: (row: FaultRow) => void;
}

/** A promise about faults on the real stack. It rejects when the promise is broken. */
export interface FaultCase {
  /** What is chosen by on the command line. */
  readonly name: string;
  readonly promise: string;
  run(context: FaultContext): Promise<void>;
}

/** Throws unless it holds; the message says what was seen. */
export function expectThat(holds: boolean, seen: string): asserts holds {
  if (!holds) throw new Error(seen);
}

/** With its causes: the deadline that passed, and the last thing seen before it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${reasonOf(error.cause)})`;
}

/** "min 1.2, median 3.4, max 5.6 s" of durations in ms. */
export function spreadOf(durationsMs: readonly number[]): string {
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const at = (share: number): string => {
    const ms = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return (ms / 1000).toFixed(1);
  };
  return `min ${at(0)}, median ${at(0.5)}, p90 ${at(0.9)}, max ${at(1)} s`;
}
