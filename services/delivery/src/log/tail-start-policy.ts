import type { Cursor } from '../cursors/cursor-mapper.ts';

export interface PartitionKnowledge {
  /** What Kafka holds: offsets from `earliest` up to, but not including, `end`. */
  readonly earliest: number;
  readonly end: number;
  /** ClickHouse holds every record of the partition up to this offset; undefined when it cannot say now. */
  readonly storedThrough: number | undefined;
}

/** Farther back than this the tail would only fill the buffer and drop it again; ClickHouse reads that cheaper. */
const backlogRecordsMax = 20_000;

/**
 * Where the tail of a partition begins: at the smallest cut of a cursor that is still useful, so that subscriptions which were in step go on without
 * ClickHouse; and not behind what ClickHouse holds, so that one which catches up there meets the tail. With ClickHouse silent and no useful cut it
 * begins at the end, and the others wait for ClickHouse.
 */
export function tailStart(known: PartitionKnowledge, cursors: readonly Cursor[]): number {
  const { earliest, end, storedThrough } = known;
  const oldest = Math.max(earliest, end - backlogRecordsMax);
  const wanted = cursors.flatMap(({ offset }) => (offset === null ? [] : [offset + 1]));
  if (storedThrough !== undefined) wanted.push(storedThrough + 1);
  const useful = wanted.filter((offset) => offset >= oldest && offset <= end);
  return Math.min(end, ...useful);
}
