import { positionOf, type PartitionHeads } from '@docket/clickhouse';
import { readKafkaRanges, startAt } from '@docket/ingestor';
import type { OffsetRange, Topology } from '@docket/kafka';
import { compareRows, type Finding } from './compare-rows-policy.ts';
import { walkRecords, type WalkPorts } from './walk-records.ts';

export interface RecomputeReport {
  readonly findings: readonly Finding[];
  /** Offsets that were read again, by partition. */
  readonly ranges: readonly OffsetRange[];
  readonly records: number;
  /** Rows that stand as they were refused in their day, and would be judged otherwise now. */
  readonly refusedInTheirDay: number;
  /** Offsets of each partition that ClickHouse does not hold yet: the tail. */
  readonly tail: ReadonlyMap<number, number>;
}

const nothingStored = { last: null, startOffset: 0 };

/**
 * I2, I3 and I4 over what Kafka still holds: every record up to each partition's position is read again, its row is
 * recomputed, and compared with the stored one column by column.
 */
export async function recompute(
  ports: WalkPorts,
  topology: Topology,
  heads: ReadonlyMap<number, PartitionHeads>,
): Promise<RecomputeReport> {
  const { kafka } = ports;
  const findings: Finding[] = [];
  const ranges: OffsetRange[] = [];
  const tail = new Map<number, number>();
  for (const [partition, kafkaRange] of await readKafkaRanges(kafka, topology.generation)) {
    const { earliest, next } = kafkaRange;
    const found = heads.get(partition);
    const position = found === undefined ? 0 : positionOf(found);
    tail.set(partition, Math.max(0, next - position));
    const start = startAt({ stored: found ?? nothingStored, kafka: kafkaRange });
    if (start.kind === 'stop') findings.push({ kind: 'unverifiable', partition, detail: start.detail });
    const range = { partition, from: Math.max(earliest, found?.startOffset ?? 0), to: Math.min(position, next) };
    if (range.from < range.to) ranges.push(range);
  }
  let refusedInTheirDay = 0;
  const records = await walkRecords({
    ports,
    topology,
    heads,
    ranges,
    onRange(partition, walked, stored) {
      const comparison = compareRows(partition, walked, stored);
      findings.push(...comparison.findings);
      refusedInTheirDay += comparison.refusedInTheirDay;
    },
  });
  return { findings, ranges, records, refusedInTheirDay, tail };
}
