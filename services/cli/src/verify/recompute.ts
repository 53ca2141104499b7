import { positionOf, type PartitionHeads } from '@docket/clickhouse';
import { fetchTopicOffsets, type OffsetRange, type Topology } from '@docket/kafka';
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
  for (const { partition, earliest, end } of await fetchTopicOffsets(kafka, kafka.topics.events.name)) {
    const found = heads.get(partition);
    const position = found === undefined ? 0 : positionOf(found);
    tail.set(partition, Math.max(0, end - position));
    if (position > end) {
      findings.push({
        kind: 'unverifiable',
        partition,
        detail: `ClickHouse holds what is below offset ${position}, Kafka ends at ${end}: the topic was recreated or truncated`,
      });
    }
    if (position < earliest) {
      findings.push({
        kind: 'unverifiable',
        partition,
        detail: `ClickHouse holds what is below offset ${position}, Kafka begins at ${earliest}: what was between was removed before it was stored`,
      });
    }
    const range = { partition, from: Math.max(earliest, found?.startOffset ?? 0), to: Math.min(position, end) };
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
