/**
 * Where a partition of an assignment stands. kafkajs resets a position that the log does not hold (truncated, deleted, recreated) without
 * telling anybody; I2 and I4 need it told. A batch is good only if its fetch began exactly where the last one ended.
 */
export interface Position {
  /** Where the next fetch has to begin. */
  readonly nextOffset: number;
  /** Not open: prepared, paused or stopped; what still arrives was fetched before and comes again. */
  readonly isOpen: boolean;
  /** Fetches at a wrong place that were sent back, in a row. */
  readonly rewinds: number;
}

export interface Fetched {
  /** Where the fetch began. */
  readonly fetchedOffset: number;
  /** A seek is pending: the batch was fetched before it. */
  readonly isStale: boolean;
}

/**
 * deliver: hand on, then advance · drop: ignore, without resolving, it will be fetched again · rewind: seek to `nextOffset` again ·
 * jump: kafkajs has moved: stop the partition and tell.
 */
export type Verdict = 'deliver' | 'drop' | 'rewind' | 'jump';

/**
 * One rewind is allowed: while kafkajs rejoins because a leader moved, one batch of the assignment before may still be in its hands.
 * A log that really lacks the position answers the second fetch in the same way.
 */
const rewindsMax = 1;

export function judgeFetch(position: Position | undefined, fetched: Fetched): Verdict {
  if (position === undefined || !position.isOpen || fetched.isStale) return 'drop';
  if (fetched.fetchedOffset === position.nextOffset) return 'deliver';
  return position.rewinds < rewindsMax ? 'rewind' : 'jump';
}

export interface Passed {
  /** First offset of the fetch, control and aborted records included; undefined when compaction left none. */
  readonly firstOffset: number | undefined;
  readonly lastOffset: number;
}

/**
 * A fetch that held only control or aborted records: kafkajs passes over it by itself and does not say where it began. In a topic
 * that is not compacted, offsets are dense when these are counted, so the first offset says it.
 */
export function judgePassed(
  position: Position | undefined,
  passed: Passed,
  isCompacted: boolean,
): 'advance' | 'ignore' | 'jump' {
  if (position === undefined || !position.isOpen) return 'ignore';
  const first = passed.firstOffset ?? passed.lastOffset;
  const isExpected = isCompacted ? first >= position.nextOffset : first === position.nextOffset;
  return isExpected ? 'advance' : 'jump';
}
