import { positionOf, readHeads, type ClickHouse, type PartitionHeads } from '@docket/clickhouse';
import { fetchTopicOffsets, type OffsetRange, type Topology } from '@docket/kafka';
import { headsBelow, walkRecords, type WalkPorts } from '../verify/walk-records.ts';
import { createMissingTally, type GoneSeqs, type Missing } from './missing-policy.ts';

export interface PartitionPlan extends Missing {
  readonly partition: number;
  /** The records that were read again; null when Kafka holds none of those that are stored. */
  readonly range: OffsetRange | null;
}

export interface RepairPlan {
  readonly heads: ReadonlyMap<number, PartitionHeads>;
  readonly partitions: readonly PartitionPlan[];
}

const gapsDeadlineMs = 600_000;

/** Finds what is missing below each partition's position, by the records that Kafka still holds. Reads only. */
export async function planRepair(
  ports: WalkPorts,
  topology: Topology,
  partitions: readonly number[],
): Promise<RepairPlan> {
  const { clickhouse, kafka } = ports;
  const { generation } = topology;
  const heads = await readHeads(clickhouse, { generation, partitions });
  const held = new Map((await fetchTopicOffsets(kafka, kafka.topics.events.name)).map((one) => [one.partition, one]));
  const tallies = new Map(partitions.map((partition) => [partition, createMissingTally()]));
  const ranges = partitions.flatMap((partition): OffsetRange[] => {
    const { earliest = 0, end = 0 } = held.get(partition) ?? {};
    const found = heads.get(partition);
    if (found === undefined) return [];
    const range = { partition, from: Math.max(earliest, found.startOffset), to: Math.min(positionOf(found), end) };
    return range.from < range.to ? [range] : [];
  });
  await walkRecords({
    ports,
    topology,
    heads,
    ranges,
    onRange: (partition, records, stored) => tallies.get(partition)?.add(records, stored),
  });
  const plans: PartitionPlan[] = [];
  for (const [partition, tally] of tallies) {
    const range = ranges.find((one) => one.partition === partition) ?? null;
    const found = heads.get(partition);
    if (found === undefined) continue;
    const at = { generation, partition, from: range?.from ?? positionOf(found) };
    const below = await headsBelow(clickhouse, at);
    plans.push({ partition, range, ...tally.result(found, below, await gapsBelow(clickhouse, at, found)) });
  }
  return { heads, partitions: plans };
}

interface Gap {
  readonly log: string;
  readonly from_seq: number;
  readonly to_seq: number;
  readonly after_offset: number;
}

const gapsSql = `SELECT tenant_id AS log, previous_seq + 1 AS from_seq, seq - 1 AS to_seq, if(previous_seq = 0, -1, toInt64(previous_offset)) AS after_offset
FROM (
  SELECT tenant_id, seq, lagInFrame(seq) OVER w AS previous_seq, lagInFrame(src_offset) OVER w AS previous_offset
  FROM audit_events
  WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16} AND src_offset < {from:UInt64}
  WINDOW w AS (PARTITION BY tenant_id ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE seq > previous_seq + 1`;

/** Seqs that are missing between rows below an offset, whose records Kafka no longer has. */
export async function gapsBelow(
  clickhouse: ClickHouse,
  at: { readonly generation: number; readonly partition: number; readonly from: number },
  heads: PartitionHeads,
): Promise<GoneSeqs[]> {
  const gaps = await clickhouse.query<Gap>(gapsSql, at, { deadlineMs: gapsDeadlineMs });
  return gaps.flatMap(({ log, from_seq: from, to_seq: toSeq, after_offset: afterOffset }): GoneSeqs[] => {
    const fromSeq = Math.max(from, heads.heads.get(log)?.firstSeq ?? 1);
    return fromSeq > toSeq ? [] : [{ log, fromSeq, toSeq, afterOffset }];
  });
}
