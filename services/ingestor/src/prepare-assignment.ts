import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  claimPartitions,
  type Claim,
  killForeignInserts,
  readHeads,
  readStoredRecord,
  readWindow,
  type ClickHouse,
  type PartitionHeads,
  type StoredRecord,
} from '@docket/clickhouse';
import {
  createColumnLedger,
  createDuplicateWindow,
  restoreWindow,
  windowRecords,
  type CodecLookup,
  type ColumnLedger,
  type DecoderLookup,
} from '@docket/event';
import { fetchTopicOffsets, type KafkaClient, type PartitionRange } from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { backoffMs } from './backoff-policy.ts';
import { startOf } from './position-policy.ts';

/** How one partition begins. */
export type PreparedPartition =
  | {
      readonly kind: 'run';
      readonly partition: number;
      readonly from: number;
      /** The record that the first fetch must show; null when there is none to compare. */
      readonly expected: StoredRecord | null;
      readonly ledger: ColumnLedger;
    }
  | { readonly kind: 'stop'; readonly partition: number; readonly detail: string };

interface PreparePorts {
  readonly clickhouse: ClickHouse;
  readonly kafka: KafkaClient;
  /** Of the topic. */
  readonly partitions: number;
  readonly decoderOf: DecoderLookup;
  readonly codecOf: CodecLookup;
  readonly logger: Logger;
}

/**
 * Design §5, in this order because each step rests on the one before:
 * 1. Fence: from here on no older owner's new insert is written (I2).
 * 2. Clear: no older owner's running insert commits any more.
 * 3. Read: what ClickHouse holds is now still, and is the position (I4).
 * Tries again as long as ClickHouse or Kafka is away; rejects only when `signal` aborts. A partition that another owner
 * has claimed meanwhile is left out.
 */
export async function prepareAssignment(
  ports: PreparePorts,
  claim: Claim,
  signal: AbortSignal,
): Promise<PreparedPartition[]> {
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await prepareOnce(ports, claim);
    } catch (error) {
      ports.logger.warn({ err: error, owner: claim.owner, failures }, 'assignment.not_prepared');
      await pause(backoffMs(failures, Math.random()), undefined, { signal });
    }
  }
}

async function prepareOnce(ports: PreparePorts, claim: Claim): Promise<PreparedPartition[]> {
  const { clickhouse, kafka, logger } = ports;
  const owned = await claimPartitions(clickhouse, claim);
  const partitions = claim.partitions.filter((partition) => owned.has(partition));
  if (partitions.length < claim.partitions.length) {
    logger.warn({ owner: claim.owner, owned: partitions, assigned: claim.partitions }, 'assignment.claimed_by_another');
  }
  if (partitions.length === 0) return [];

  const cleared = await killForeignInserts(clickhouse, { ...claim, partitions });
  if (!cleared.ok) throw new Error(`inserts of earlier owners still run: ${cleared.running.join(', ')}`);

  const heads = await readHeads(clickhouse, { generation: claim.generation, partitions });
  const ranges = await fetchTopicOffsets(kafka, kafka.topics.events.name);
  const prepared: PreparedPartition[] = [];
  for (const partition of partitions) {
    prepared.push(await preparePartition(ports, claim.generation, partition, heads.get(partition), ranges));
  }
  return prepared;
}

async function preparePartition(
  ports: PreparePorts,
  generation: number,
  partition: number,
  stored: PartitionHeads | undefined,
  ranges: readonly PartitionRange[],
): Promise<PreparedPartition> {
  const { clickhouse, partitions, decoderOf, codecOf, logger } = ports;
  const range = ranges.find((one) => one.partition === partition);
  if (stored === undefined || range === undefined)
    throw new Error(`partition ${partition} is unknown to Kafka or ClickHouse`);
  const { last } = stored;
  const start = startOf(last === null ? null : { offset: last.headOffset }, {
    earliest: range.earliest,
    next: range.end,
  });
  if (start.kind === 'stop') return { kind: 'stop', partition, detail: start.detail };

  for (const head of stored.heads.values()) {
    const missing = head.headSeq - head.firstSeq + 1 - head.rows;
    if (missing !== 0)
      logger.error({ partition, log: head.log, head_seq: head.headSeq, rows: head.rows, missing }, 'log.not_dense');
  }
  // The seed decides nothing but places in a table.
  const window = createDuplicateWindow(windowRecords, randomInt(2 ** 31));
  if (last !== null) {
    restoreWindow(
      window,
      await readWindow(clickhouse, { generation, partition, rows: windowRecords, lastOffset: last.headOffset }),
    );
  }
  const expected =
    last !== null && start.expectStored
      ? await readStoredRecord(clickhouse, { generation, partition, log: last.log, offset: last.headOffset })
      : null;
  const logHeads = new Map([...stored.heads.values()].map((head) => [head.log, head.headSeq]));
  const ledger = createColumnLedger({ generation, partitions, heads: logHeads, window, decoderOf, codecOf });
  return { kind: 'run', partition, from: start.from, expected, ledger };
}
