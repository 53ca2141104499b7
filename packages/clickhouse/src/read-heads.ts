import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';

/** Where one log stands in ClickHouse. */
export interface LogHead {
  readonly log: string;
  /** The lowest seq that has a row of this generation: rows below it are of earlier ones, or were cut by retention. */
  readonly firstSeq: number;
  /** The highest seq, of this generation or an earlier one. */
  readonly headSeq: number;
  /** Offset of the log's last record in this generation; −1 when it has none. */
  readonly headOffset: number;
  /** Rows of this generation; I3 holds when it is headSeq − firstSeq + 1. */
  readonly rows: number;
}

export interface PartitionHeads {
  /** The log whose head is the partition's last stored record of this generation: the position is behind it. Null: none is stored. */
  readonly last: LogHead | null;
  /** The offset at which this generation begins; what Kafka holds below it has its rows in an earlier one. */
  readonly startOffset: number;
  readonly heads: ReadonlyMap<string, LogHead>;
}

/** One partition may hold very many logs; a server under merges answers from the projection's few rows anyway. */
const headsDeadlineMs = 60_000;

/** The projection p_heads answers it; without it this would be a scan of the log, so a server that cannot use it says so. */
export const storedHeadsSql = `SELECT src_partition AS partition, tenant_id AS log, max(seq) AS head_seq, max(src_offset) AS head_offset, count() AS stored_rows
FROM audit_events
WHERE src_generation = {generation:UInt16} AND src_partition IN {partitions:Array(UInt16)}
GROUP BY src_generation, src_partition, tenant_id`;

const recordedHeadsSql = `SELECT partition, tenant_id AS log, greatest(max(first_seq), max(base_seq) + 1) AS first_seq, max(head_seq) AS head_seq,
  if(head_seq > max(base_seq), toInt64(max(head_offset)), -1) AS head_offset, max(base_offset) AS start_offset
FROM log_heads
WHERE generation = {generation:UInt16} AND partition IN {partitions:Array(UInt16)}
GROUP BY partition, tenant_id`;

interface StoredHead {
  readonly partition: number;
  readonly log: string;
  readonly head_seq: number;
  readonly head_offset: number;
  readonly stored_rows: number;
}

interface RecordedHead {
  readonly partition: number;
  readonly log: string;
  readonly first_seq: number;
  readonly head_seq: number;
  readonly head_offset: number;
  readonly start_offset: number;
}

/**
 * Positions and heads of partitions in a generation: the maximum over p_heads and log_heads, which also says what earlier
 * generations have left to this one (openGeneration). Every partition asked for is in the answer. Right only while no insert of another owner can commit: after claimPartitions and killForeignInserts.
 * At most a minute for each of two statements, unless `signal` ends them before. Throws ClickHouseError.
 */
export async function readHeads(
  clickhouse: ClickHouse,
  wanted: { readonly generation: number; readonly partitions: readonly number[] },
  { signal }: Pick<RequestOptions, 'signal'> = {},
): Promise<Map<number, PartitionHeads>> {
  const params = { generation: wanted.generation, partitions: wanted.partitions };
  const options = { deadlineMs: headsDeadlineMs, signal };
  // First what is written down of rows that are stored: then no head is behind the last record, also while inserts go on.
  const recorded = await clickhouse.query<RecordedHead>(recordedHeadsSql, params, options);
  const stored = await clickhouse.query<StoredHead>(storedHeadsSql, params, {
    ...options,
    settings: { optimize_use_projections: 1 },
  });

  const startOffsets = new Map<number, number>();
  const byPartition = new Map(wanted.partitions.map((partition) => [partition, new Map<string, LogHead>()]));
  for (const head of stored) {
    byPartition.get(head.partition)?.set(head.log, {
      log: head.log,
      firstSeq: 1,
      headSeq: head.head_seq,
      headOffset: head.head_offset,
      rows: head.stored_rows,
    });
  }
  for (const head of recorded) {
    const heads = byPartition.get(head.partition);
    const known = heads?.get(head.log);
    startOffsets.set(head.partition, Math.max(head.start_offset, startOffsets.get(head.partition) ?? 0));
    heads?.set(head.log, {
      log: head.log,
      firstSeq: Math.max(head.first_seq, known?.firstSeq ?? 1),
      headSeq: Math.max(head.head_seq, known?.headSeq ?? 0),
      headOffset: Math.max(head.head_offset, known?.headOffset ?? -1),
      rows: known?.rows ?? 0,
    });
  }
  return new Map(
    [...byPartition].map(([partition, heads]) => [
      partition,
      { last: lastOf(heads), startOffset: startOffsets.get(partition) ?? 0, heads },
    ]),
  );
}

function lastOf(heads: ReadonlyMap<string, LogHead>): LogHead | null {
  let last: LogHead | null = null;
  for (const head of heads.values())
    if (head.headOffset >= 0 && (last === null || head.headOffset > last.headOffset)) last = head;
  return last;
}

/** The first offset that ClickHouse does not hold: where reading goes on. */
export function positionOf({ last, startOffset }: PartitionHeads): number {
  return last === null ? startOffset : last.headOffset + 1;
}

/** The identity of a stored record, by which Kafka's record at the same offset is recognised. */
export interface StoredRecord {
  readonly log: string;
  readonly id: string;
  readonly offset: number;
  readonly receivedAtMs: number;
}

/**
 * The record stored at an offset of a partition, or null. `log` is the log whose head that offset is (PartitionHeads), so
 * that the primary key finds it. A row that retention has cut is taken from log_heads. Throws ClickHouseError.
 */
export async function readStoredRecord(
  clickhouse: ClickHouse,
  at: { readonly generation: number; readonly partition: number; readonly log: string; readonly offset: number },
): Promise<StoredRecord | null> {
  for (const sql of [storedRecordSql, recordedRecordSql]) {
    const [row] = await clickhouse.query<{ id: string; received_at_ms: number }>(sql, { ...at });
    if (row !== undefined) return { log: at.log, id: row.id, offset: at.offset, receivedAtMs: row.received_at_ms };
  }
  return null;
}

const storedRecordSql = `SELECT id, toUnixTimestamp64Milli(received_at) AS received_at_ms FROM audit_events
WHERE tenant_id = {log:String} AND src_generation = {generation:UInt16} AND src_partition = {partition:UInt16}
  AND src_offset = {offset:UInt64}
LIMIT 1`;

const recordedRecordSql = `SELECT head_id AS id, toUnixTimestamp64Milli(head_received_at) AS received_at_ms FROM log_heads
WHERE generation = {generation:UInt16} AND partition = {partition:UInt16} AND tenant_id = {log:String}
  AND head_offset = {offset:UInt64} AND head_seq > base_seq
LIMIT 1`;
