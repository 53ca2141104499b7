/** Counters `from`..`to`, both included. */
export interface CounterRange {
  readonly from: number;
  readonly to: number;
}

/** Counters that have not arrived, though higher ones have. */
export interface SourceGap extends CounterRange {
  /** When Kafka appended the record behind it: since then it shows. ms since the epoch. */
  readonly sinceMs: number;
  /** The whole of what was told as missing, of which this is a piece that still is; null: not told yet. */
  readonly told: CounterRange | null;
}

/** What is known of one (tenant, service, instance): every counter up to `high` has arrived, but for the gaps. */
export interface SourceState {
  readonly high: number;
  /** Ascending, apart from each other. */
  readonly gaps: readonly SourceGap[];
}

/** Counters without a hole between them, and when Kafka appended the first of them. */
export interface SeenRange extends CounterRange {
  readonly receivedMs: number;
}

/**
 * I8: of one source; a producer that counts at random has no more. Beyond it the oldest that were told are forgotten, so that their late arrival is not
 * told, then the oldest of all.
 */
export const gapsMax = 100;

export const noSource: SourceState = { high: 0, gaps: [] };

export interface Folded {
  readonly state: SourceState;
  /** What was told as missing and has now arrived to the last one. */
  readonly closed: readonly CounterRange[];
}

/**
 * Adds what was seen, in ascending order of counters. What was seen before changes nothing, so the same records may be folded twice, and in whatever
 * pieces.
 */
export function foldSeen(state: SourceState, seen: readonly SeenRange[]): Folded {
  let { high } = state;
  let gaps: SourceGap[] = [...state.gaps];
  for (const range of seen) {
    gaps = gaps.flatMap((gap) => without(gap, range));
    if (range.from > high + 1) gaps.push({ from: high + 1, to: range.from - 1, sinceMs: range.receivedMs, told: null });
    high = Math.max(high, range.to);
  }
  const closed = toldIn(state.gaps).filter((told) => !gaps.some((gap) => isSame(gap.told, told)));
  return { state: { high, gaps: bounded(gaps) }, closed };
}

function bounded(gaps: readonly SourceGap[]): readonly SourceGap[] {
  let over = gaps.length - gapsMax;
  return over <= 0 ? gaps : gaps.filter(({ told }) => told === null || (over -= 1) < 0).slice(-gapsMax);
}

/** The pieces of a gap that are left when a range has arrived. */
function without(gap: SourceGap, { from, to }: CounterRange): SourceGap[] {
  if (to < gap.from || from > gap.to) return [gap];
  return [...(gap.from < from ? [{ ...gap, to: from - 1 }] : []), ...(to < gap.to ? [{ ...gap, from: to + 1 }] : [])];
}

/** What has been told, each once, though several pieces of it may be left. */
function toldIn(gaps: readonly SourceGap[]): CounterRange[] {
  const found: CounterRange[] = [];
  for (const { told } of gaps) if (told !== null && !found.some((one) => isSame(one, told))) found.push(told);
  return found;
}

function isSame(one: CounterRange | null, other: CounterRange): boolean {
  return one !== null && one.from === other.from && one.to === other.to;
}

/** Gaps that are to be told now: those that showed before `beforeMs` and have not been told. */
export function dueGaps({ gaps }: SourceState, beforeMs: number): SourceGap[] {
  return gaps.filter(({ told, sinceMs }) => told === null && sinceMs <= beforeMs);
}

/** The same state once those gaps have been told. */
export function afterTelling(state: SourceState, due: readonly SourceGap[]): SourceState {
  const gaps = state.gaps.map((gap) => (due.includes(gap) ? { ...gap, told: { from: gap.from, to: gap.to } } : gap));
  return { ...state, gaps };
}
