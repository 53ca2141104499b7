import { readWindow, type ClickHouse, type PartitionHeads } from '@docket/clickhouse';
import {
  createDuplicateWindow,
  createPartitionLedger,
  refusedRow,
  restoreWindow,
  windowRecords,
  type LogRecord,
  type PartitionLedger,
} from '@docket/event';
import {
  fetchTopicOffsets,
  readRanges,
  type EventDecoders,
  type KafkaClient,
  type OffsetRange,
  type Topology,
} from '@docket/kafka';
import {
  compareRows,
  storedRowSelection,
  textOfRow,
  textOfStored,
  wasJudgedInItsDay,
  type Finding,
} from './compare-rows-policy.ts';

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

interface Ports {
  readonly clickhouse: ClickHouse;
  readonly kafka: KafkaClient;
  readonly decoders: EventDecoders;
}

interface Walk {
  readonly ledger: PartitionLedger;
  nextOffset: number;
}

/**
 * I2, I3 and I4 over what Kafka still holds: every record up to each partition's position is read again, its row is
 * recomputed, and compared with the stored one column by column.
 */
export async function recompute(
  ports: Ports,
  topology: Topology,
  heads: ReadonlyMap<number, PartitionHeads>,
): Promise<RecomputeReport> {
  const { clickhouse, kafka, decoders } = ports;
  const topic = kafka.topics.events.name;
  const findings: Finding[] = [];
  const walks = new Map<number, Walk>();
  const ranges: OffsetRange[] = [];
  const tail = new Map<number, number>();
  for (const { partition, earliest, end } of await fetchTopicOffsets(kafka, topic)) {
    const position = positionOf(heads.get(partition));
    tail.set(partition, Math.max(0, end - position));
    if (position > end) {
      findings.push({
        kind: 'unverifiable',
        partition,
        detail: `ClickHouse holds records up to offset ${position - 1}, Kafka ends at ${end}: the topic was recreated or truncated`,
      });
    }
    if (position < earliest) {
      findings.push({
        kind: 'unverifiable',
        partition,
        detail: `ClickHouse holds records below offset ${position}, Kafka begins at ${earliest}: what was between was removed before it was stored`,
      });
    }
    if (position <= earliest) continue;
    walks.set(partition, { ledger: await ledgerAt(ports, topology, partition, earliest), nextOffset: earliest });
    ranges.push({ partition, from: earliest, to: Math.min(position, end) });
  }

  let records = 0;
  let refusedInTheirDay = 0;
  const compare = async (partition: number, batch: readonly LogRecord[], toOffset: number): Promise<void> => {
    const walk = walks.get(partition);
    if (walk === undefined) return;
    await decoders.prepare(batch, AbortSignal.timeout(600_000));
    const stored = await storedRows(clickhouse, topology.generation, partition, walk.nextOffset, toOffset);
    const judged = new Set(stored.filter(wasJudgedInItsDay).map((row) => row['src_offset']));
    const expected = batch.map((record) => {
      const { row } = walk.ledger.enter(record);
      if (judged.has(String(record.offset))) walk.ledger.retract();
      return { row: textOfRow(row), asRefused: () => textOfRow(refusedRow(row, record.value, '')) };
    });
    const comparison = compareRows(partition, expected, stored);
    findings.push(...comparison.findings);
    refusedInTheirDay += comparison.refusedInTheirDay;
    walk.nextOffset = toOffset;
    records += batch.length;
  };
  await readRanges(kafka, {
    topic,
    ranges,
    onRecords: (batch, partition) => compare(partition, batch, (batch.at(-1)?.offset ?? -1) + 1),
  });
  // What is stored behind the last record that Kafka gave has no record.
  for (const { partition, to } of ranges) await compare(partition, [], to);
  return { findings, ranges, records, refusedInTheirDay, tail };
}

/** The first offset that ClickHouse does not hold. */
export function positionOf(heads: PartitionHeads | undefined): number {
  return heads === undefined || heads.last === null ? 0 : heads.last.headOffset + 1;
}

/** The ledger as it stood before the first record that Kafka still has. */
async function ledgerAt(
  ports: Ports,
  topology: Topology,
  partition: number,
  earliest: number,
): Promise<PartitionLedger> {
  const { clickhouse, decoders } = ports;
  const { generation, partitions } = topology;
  const window = createDuplicateWindow();
  const heads = new Map<string, number>();
  if (earliest > 0) {
    restoreWindow(
      window,
      await readWindow(clickhouse, { generation, partition, rows: windowRecords, lastOffset: earliest - 1 }),
    );
    const rows = await clickhouse.query<{ log: string; head_seq: number }>(
      `SELECT tenant_id AS log, max(seq) AS head_seq FROM audit_events
       WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16} AND src_offset < {earliest:UInt64}
       GROUP BY tenant_id`,
      { generation, partition, earliest },
    );
    for (const { log, head_seq: seq } of rows) heads.set(log, seq);
  }
  return createPartitionLedger({ generation, partitions, heads, window, decoderOf: decoders.decoderOf });
}

async function storedRows(clickhouse: ClickHouse, generation: number, partition: number, from: number, to: number) {
  const rows = await clickhouse.query(
    `SELECT ${storedRowSelection} FROM audit_events
     WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16}
       AND src_offset >= {from:UInt64} AND src_offset < {to:UInt64}
     ORDER BY src_offset`,
    { generation, partition, from, to },
  );
  return rows.map(textOfStored);
}
