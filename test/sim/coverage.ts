/** Which fault met which step, and how often. */
export interface Coverage {
  hit(fault: string, step: string): void;
  count(fault: string, step: string): number;
  readonly counts: ReadonlyMap<string, number>;
}

export function createCoverage(): Coverage {
  const counts = new Map<string, number>();
  const keyOf = (fault: string, step: string): string => `${fault} × ${step}`;
  return {
    counts,
    hit(fault, step) {
      const key = keyOf(fault, step);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    count: (fault, step) => counts.get(keyOf(fault, step)) ?? 0,
  };
}
