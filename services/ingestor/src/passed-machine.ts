import type { IngestEffect, IngestState, OpenPartition, PartitionPlace } from './ingest-state.ts';

/** A partition that begins to be read at `from`. */
export function openAt({ stored, kafka }: PartitionPlace, from: number): OpenPartition {
  const storedTo = stored.last === null ? stored.startOffset : stored.last.headOffset + 1;
  const { topicId } = kafka;
  return { from, expected: null, nextOffset: from, topicId, storedTo, enteredTo: storedTo, passedTo: from };
}

/** Rows up to the ends are stored. */
export function noteStored<B>(
  { open }: IngestState<B, 'running'>,
  ends: ReadonlyMap<number, number>,
  effects: IngestEffect<B>[],
): void {
  for (const [partition, end] of ends) {
    const found = open.get(partition);
    if (found === undefined) continue;
    found.storedTo = end;
    notePassed(partition, found, effects);
  }
}

/**
 * Says that nothing lies between what is stored and what was looked at, when that is so: no record waits for its insert, and the
 * partition was seen to be the one whose rows ClickHouse holds.
 */
export function notePassed<B>(partition: number, found: OpenPartition, effects: IngestEffect<B>[]): void {
  const { topicId, expected, storedTo: from, enteredTo, passedTo: to } = found;
  if (topicId === undefined || expected !== null || enteredTo !== from || to <= from) return;
  effects.push({ kind: 'notePassed', partition, passed: { topicId, from, to } });
}
