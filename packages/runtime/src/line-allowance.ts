export interface LineAllowance<Kind> {
  /** How many of this kind were left out since its last line; undefined: this one is left out as well. */
  take(kind: Kind, nowMs: number): number | undefined;
}

const spanMs = 1_000;

/** Bounds the lines of a log: so many of each kind a second. There MUST be few kinds. */
export function createLineAllowance<Kind>(linesPerSecond: number): LineAllowance<Kind> {
  const spans = new Map<Kind, { sinceMs: number; lines: number; left: number }>();
  return {
    take(kind, nowMs) {
      const span = spans.get(kind) ?? { sinceMs: nowMs, lines: 0, left: 0 };
      spans.set(kind, span);
      if (nowMs - span.sinceMs >= spanMs) {
        span.sinceMs = nowMs;
        span.lines = 0;
      }
      if (span.lines >= linesPerSecond) {
        span.left += 1;
        return undefined;
      }
      const { left } = span;
      span.lines += 1;
      span.left = 0;
      return left;
    },
  };
}
