import { positionOf, readHeads, readStoredRecord, type PartitionHeads, type StoredRecord } from '@docket/clickhouse';
import { logOf, readRecord, type LogRecord } from '@docket/event';
import { isSameRecord, readKafkaRanges, startAt, type KafkaRange, type StopReason } from '@docket/ingestor';
import { readRanges, type Topology } from '@docket/kafka';
import type { WalkPorts } from '../verify/walk-records.ts';

/** How a partition stands in both stores. */
export interface Judged {
  readonly partition: number;
  readonly heads: PartitionHeads;
  readonly kafka: KafkaRange;
  /** The first offset that ClickHouse does not hold. */
  readonly position: number;
  /** Why an ingestor would stop here; null when it would go on. */
  readonly reason: StopReason | null;
}

/** Judges partitions as an ingestor does at an assignment: the record at the last stored offset is read and compared, too. */
export async function judgePartitions(
  ports: WalkPorts,
  { generation, partitions: count }: Topology,
  partitions: readonly number[],
): Promise<Judged[]> {
  const { clickhouse, kafka, decoders, mac } = ports;
  const topic = kafka.topics.events.name;
  const heads = await readHeads(clickhouse, { generation, partitions });
  const held = await readKafkaRanges(kafka, generation);
  const judged: Judged[] = [];
  const expected = new Map<number, StoredRecord | null>();
  for (const partition of partitions) {
    const found = heads.get(partition);
    const range = held.get(partition);
    if (found === undefined || range === undefined) throw new Error(`Kafka has no partition ${partition}`);
    const { last } = found;
    const start = startAt({ stored: found, kafka: range });
    const reason = start.kind === 'stop' ? start.reason : null;
    judged.push({ partition, heads: found, kafka: range, position: positionOf(found), reason });
    if (start.kind === 'fetch' && start.expectStored && last !== null) {
      const at = { generation, partition, log: last.log, offset: last.headOffset };
      expected.set(partition, await readStoredRecord(clickhouse, at));
    }
  }
  const others = new Set(expected.keys());
  const ranges = [...expected].flatMap(([partition, record]) =>
    record === null ? [] : [{ partition, from: record.offset, to: record.offset + 1 }],
  );
  await readRanges(kafka, {
    topic,
    ranges,
    onRecords: async (records, partition) => {
      const stored = expected.get(partition);
      const [record] = records;
      if (stored === undefined || stored === null || record === undefined) return;
      await decoders.prepare(records, AbortSignal.timeout(60_000));
      const reading = readRecord(record, { partitions: count, decoderOf: decoders.decoderOf, mac });
      const id = reading.kind === 'quarantined' ? reading.id : reading.event.id;
      const { offset, timestampMs: receivedAtMs } = record;
      if (isSameRecord({ offset, receivedAtMs, log: reading.log, id }, stored)) others.delete(partition);
    },
  });
  return judged.map((one) => (others.has(one.partition) ? { ...one, reason: 'another_record' as const } : one));
}

/** Whether a new generation is needed: the same offsets hold other records now. */
export function isAnotherTopic({ reason }: Judged): boolean {
  return reason === 'beyond_end' || reason === 'another_record';
}

interface StoredPlace {
  readonly offset: number;
  readonly received_at_ms: number;
  readonly log: string;
}

/**
 * Where Kafka's records of a partition begin to be others than the stored ones: behind the last that is the same, for below it all are. A
 * record whose row is missing tells nothing. For a topic made anew that is its beginning; for one that has lost its end, that end.
 */
export async function firstDifference(ports: WalkPorts, topology: Topology, judged: Judged): Promise<number> {
  const { kafka, clickhouse } = ports;
  const { partition, position } = judged;
  const { generation, partitions } = topology;
  const from = Math.max(judged.kafka.earliest, judged.heads.startOffset);
  const to = Math.min(position, judged.kafka.next);
  let seenTo = from;
  let sameTo = from;
  const compare = async (records: readonly LogRecord[]): Promise<void> => {
    const last = records.at(-1);
    if (last === undefined) return;
    const stored = await clickhouse.query<StoredPlace>(
      `SELECT src_offset AS offset, toUnixTimestamp64Milli(received_at) AS received_at_ms, tenant_id AS log FROM audit_events
       WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16} AND src_offset BETWEEN {from:UInt64} AND {to:UInt64}`,
      { generation, partition, from: seenTo, to: last.offset },
    );
    const byOffset = new Map(stored.map((row) => [row.offset, row]));
    const lastSame = records.findLast((record) => {
      const row = byOffset.get(record.offset);
      return row?.received_at_ms === record.timestampMs && row.log === logOf(record.key, partition, partitions);
    });
    if (lastSame !== undefined) sameTo = lastSame.offset + 1;
    seenTo = last.offset + 1;
  };
  const topic = kafka.topics.events.name;
  if (from < to) await readRanges(kafka, { topic, ranges: [{ partition, from, to }], onRecords: compare });
  return sameTo;
}
