import type { KnownHead } from '../log/clickhouse-log.ts';
import type { Cursor } from './cursor-mapper.ts';

/** What ClickHouse is known to hold of a cursor's log. */
export interface KnownStanding {
  /** Of the topic, now. */
  readonly generation: number;
  /** Every record of the partition up to this offset is stored; undefined when not known. */
  readonly through: number | undefined;
  /** Of that moment, or later; undefined when not known. */
  readonly head: KnownHead | undefined;
}

/**
 * Where a cursor stands in its log. open: nothing speaks against it · unreached: its owner wants what comes behind a seq that the log has not reached ·
 * renumbered: at its place the log has another seq. That comes of an accepted loss: delivery had counted on from Kafka, and what it gave numbers to was lost
 * before it was stored; behind the loss seq goes on with others, and whoever waits for the log to pass the cursor would miss as many new events (I6). `seq`: where it
 * has to go on; undefined: only ClickHouse can say.
 */
export type CursorPlace =
  { readonly kind: 'open' | 'unreached' } | { readonly kind: 'renumbered'; readonly seq: number | undefined };

const open: CursorPlace = { kind: 'open' };

export function placeInLog(cursor: Cursor, known: KnownStanding, startAfterSeq: number): CursorPlace {
  const { head, through } = known;
  const { seq, offset } = cursor;
  if (head === undefined) return open;
  if (isAtStart(cursor, startAfterSeq)) return { kind: head.headSeq < seq ? 'unreached' : 'open' };
  // A generation that is over does not grow: what is not stored of it never will be.
  if (cursor.generation < known.generation)
    return seq < head.firstSeq ? open : { kind: 'renumbered', seq: head.firstSeq - 1 };
  if (offset === null || isBehind(through, offset)) return open;
  const isItsHead = head.headOffset <= offset;
  if (seq > head.headSeq) return { kind: 'renumbered', seq: isItsHead ? head.headSeq : undefined };
  // The row of a loss that took nothing of this log has a seq, too.
  return isItsHead && seq < head.headSeq ? { kind: 'renumbered', seq } : open;
}

/** ClickHouse holds nothing behind a cut yet, or is not known to: what delivery took from Kafka may be ahead of it. */
export function isBehind(through: number | undefined, offset: number): boolean {
  return through === undefined || through < offset;
}

/** It has never moved: its seq is its owner's word, and says nothing about the log. */
export function isAtStart({ seq, offset, reset, toldAtMs }: Cursor, startAfterSeq: number): boolean {
  return seq === startAfterSeq && offset === null && reset === 0 && toldAtMs === null;
}
