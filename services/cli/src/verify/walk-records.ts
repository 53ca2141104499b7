import { readWindow, type ClickHouse, type PartitionHeads } from '@docket/clickhouse';
import {
  createDuplicateWindow,
  createPartitionLedger,
  refusedRow,
  restoreWindow,
  windowRecords,
  type EventRow,
  type LogRecord,
  type PartitionLedger,
  type RecordMac,
} from '@docket/event';
import { readRanges, type EventDecoders, type KafkaClient, type OffsetRange, type Topology } from '@docket/kafka';
import {
  storedRowSelection,
  textOfRow,
  textOfStored,
  wasJudgedInItsDay,
  type ExpectedRow,
  type RowText,
} from './compare-rows-policy.ts';

/** Records that are compared at once: what the walk holds in memory of one partition. */
const recordsAtOnce = 4_000;
const bytesAtOnce = 4 * 1024 * 1024;
/** Of one read of stored rows. */
const rowsDeadlineMs = 120_000;
/** For the registry, to say what the schemas of one batch are. */
const prepareDeadlineMs = 600_000;

export interface WalkPorts {
  readonly clickhouse: ClickHouse;
  readonly kafka: KafkaClient;
  readonly decoders: EventDecoders;
  readonly mac: RecordMac;
}

/** A record that Kafka holds, and the row that it must have. */
export interface WalkedRecord extends ExpectedRow {
  readonly expected: EventRow;
  /** Of the record. */
  readonly value: Buffer | null;
}

export interface Walk {
  readonly ports: WalkPorts;
  readonly topology: Topology;
  readonly heads: ReadonlyMap<number, PartitionHeads>;
  /** Cut to what Kafka holds, and to the generation. */
  readonly ranges: readonly OffsetRange[];
  /** Added to a log's seq where the walk begins: rows before it are missing. */
  readonly shifts?: ReadonlyMap<string, number>;
  /** Records and rows over the same offsets, both in offset order. */
  onRange(partition: number, records: readonly WalkedRecord[], stored: readonly RowText[]): Promise<void> | void;
}

interface Place {
  readonly ledger: PartitionLedger;
  nextOffset: number;
  waiting: LogRecord[];
  waitingBytes: number;
}

/**
 * Reads ranges of the events topic again, and makes of every record the row that it must have, with the functions that the
 * ingestor uses: the partition's ledger begins where ClickHouse's rows before the range have left it. Memory is bounded by a
 * few thousand records a partition, and by the number of logs. Gives the number of records.
 */
export async function walkRecords(walk: Walk): Promise<number> {
  const { ports, topology, ranges } = walk;
  const { clickhouse, kafka, decoders } = ports;
  const places = new Map<number, Place>();
  for (const { partition, from } of ranges) {
    const ledger = await ledgerAt(walk, partition, from);
    places.set(partition, { ledger, nextOffset: from, waiting: [], waitingBytes: 0 });
  }
  let records = 0;

  async function compare(partition: number, place: Place, toOffset: number): Promise<void> {
    const batch = place.waiting;
    place.waiting = [];
    place.waitingBytes = 0;
    await decoders.prepare(batch, AbortSignal.timeout(prepareDeadlineMs));
    const stored = await storedRows(clickhouse, topology.generation, partition, place.nextOffset, toOffset);
    const judged = new Set(stored.filter(wasJudgedInItsDay).map((row) => row['src_offset']));
    const walked = batch.map((record): WalkedRecord => {
      const { row } = place.ledger.enter(record);
      if (judged.has(String(record.offset))) place.ledger.retract();
      const asRefused = () => textOfRow(refusedRow(row, record.value, ''));
      return { row: textOfRow(row), asRefused, expected: row, value: record.value };
    });
    records += walked.length;
    place.nextOffset = toOffset;
    await walk.onRange(partition, walked, stored);
  }

  await readRanges(kafka, {
    topic: kafka.topics.events.name,
    ranges,
    onRecords: async (batch, partition) => {
      const place = places.get(partition);
      if (place === undefined) return;
      for (const record of batch) {
        place.waiting.push(record);
        place.waitingBytes += record.value?.length ?? 0;
        if (place.waiting.length >= recordsAtOnce || place.waitingBytes >= bytesAtOnce)
          await compare(partition, place, record.offset + 1);
      }
    },
  });
  // What is stored behind the last record that Kafka gave has no record.
  for (const { partition, to } of ranges) {
    const place = places.get(partition);
    if (place !== undefined) await compare(partition, place, to);
  }
  return records;
}

/** The ledger as it stood before the first record of the range. */
async function ledgerAt(walk: Walk, partition: number, from: number): Promise<PartitionLedger> {
  const { ports, topology, shifts } = walk;
  const { clickhouse, decoders, mac } = ports;
  const { generation, partitions } = topology;
  const window = createDuplicateWindow();
  const heads = new Map<string, number>();
  for (const { log, firstSeq } of walk.heads.get(partition)?.heads.values() ?? []) heads.set(log, firstSeq - 1);
  if (from > 0) {
    const lastOffset = from - 1;
    restoreWindow(window, await readWindow(clickhouse, { generation, partition, rows: windowRecords, lastOffset }));
    for (const { log, head_seq: seq } of await headsBelow(clickhouse, { generation, partition, from }))
      heads.set(log, seq);
  }
  for (const [log, shift] of shifts ?? []) heads.set(log, (heads.get(log) ?? 0) + shift);
  return createPartitionLedger({ generation, partitions, heads, window, decoderOf: decoders.decoderOf, mac });
}

export interface HeadBelow {
  readonly log: string;
  readonly head_seq: number;
  readonly head_offset: number;
}

/** Where each log of a partition stood before an offset, as far as it has rows of this generation there. */
export function headsBelow(
  clickhouse: ClickHouse,
  below: { readonly generation: number; readonly partition: number; readonly from: number },
): Promise<HeadBelow[]> {
  return clickhouse.query<HeadBelow>(
    `SELECT tenant_id AS log, max(seq) AS head_seq, max(src_offset) AS head_offset FROM audit_events
     WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16} AND src_offset < {from:UInt64}
     GROUP BY tenant_id`,
    { ...below },
    { deadlineMs: rowsDeadlineMs },
  );
}

async function storedRows(clickhouse: ClickHouse, generation: number, partition: number, from: number, to: number) {
  const rows = await clickhouse.query(
    `SELECT ${storedRowSelection} FROM audit_events
     WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16}
       AND src_offset >= {from:UInt64} AND src_offset < {to:UInt64}
     ORDER BY src_offset`,
    { generation, partition, from, to },
    { deadlineMs: rowsDeadlineMs },
  );
  return rows.map(textOfStored);
}
