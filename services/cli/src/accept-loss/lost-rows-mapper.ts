import { nilId, rowOfRecord, strayLogOf, type EventRow } from '@docket/event';
import type { PartitionHeads } from '@docket/clickhouse';
import type { GoneSeqs } from '../repair/missing-policy.ts';

/** Where lost rows stand, and what they say. */
export interface LostPlace {
  readonly generation: number;
  readonly partition: number;
  /** ms since the epoch: when the loss was accepted. No broker's time is known. */
  readonly acceptedAtMs: number;
}

/**
 * One row of status `lost` for each log of a partition, at its next seq and at an offset within the range: whether, and how
 * often, a log had records there, nobody knows any more. The partition's stray log has one too, so that the partition always says it.
 */
export function rowsOfLostRange(
  place: LostPlace,
  heads: PartitionHeads,
  range: { readonly offset: number; readonly detail: string },
): EventRow[] {
  const seqs = new Map([[strayLogOf(place.partition), 0]]);
  for (const { log, headSeq } of heads.heads.values()) seqs.set(log, headSeq);
  return [...seqs].map(([log, headSeq]) => lostRow(place, log, headSeq + 1, range.offset, range.detail));
}

/** One row for each seq that is gone from the middle of a log, at an offset between those of its neighbours. */
export function rowsOfGoneSeqs(place: LostPlace, { log, fromSeq, toSeq, afterOffset }: GoneSeqs): EventRow[] {
  const detail = `lost: the rows of seq ${fromSeq} to ${toSeq} were gone from ClickHouse, and their records from Kafka`;
  return Array.from({ length: toSeq - fromSeq + 1 }, (_, index) =>
    lostRow(place, log, fromSeq + index, afterOffset + 1 + index, detail),
  );
}

/** Of so many rows and ranges each at most, in the same order: a range that is too long is cut. */
export function* partsOfGone(
  gone: readonly GoneSeqs[],
  max: { readonly rows: number; readonly ranges: number },
): Generator<GoneSeqs[]> {
  let part: GoneSeqs[] = [];
  let rows = 0;
  for (const { log, fromSeq, toSeq, afterOffset } of gone) {
    for (let from = fromSeq; from <= toSeq;) {
      const to = Math.min(toSeq, from + max.rows - rows - 1);
      part.push({ log, fromSeq: from, toSeq: to, afterOffset: afterOffset + (from - fromSeq) });
      rows += to - from + 1;
      from = to + 1;
      if (rows < max.rows && part.length < max.ranges) continue;
      yield part;
      [part, rows] = [[], 0];
    }
  }
  if (part.length > 0) yield part;
}

function lostRow(place: LostPlace, log: string, seq: number, offset: number, statusDetail: string): EventRow {
  const { generation, partition, acceptedAtMs: receivedAtMs } = place;
  return rowOfRecord(
    { log, seq, status: 'lost', statusDetail, receivedAtMs, schemaId: 0, generation, partition, offset },
    nilId,
    null,
  );
}
