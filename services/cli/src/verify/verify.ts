import { createClickHouse, positionOf, type ClickHouseConfig } from '@docket/clickhouse';
import {
  createEventDecoders,
  createKafka,
  createSchemaRegistry,
  recordMacOf,
  checkTopics,
  fetchCommits,
  passedRangeOf,
  valueSubjectOf,
  type Commit,
  type KafkaSettings,
  type MacKeySettings,
  type RegistrySettings,
} from '@docket/kafka';
import { ingestorGroupOf } from '@docket/ingestor';
import type { Logger } from '@docket/runtime';
import { checkClickHouse, type ClickHouseReport } from './check-clickhouse.ts';
import type { Finding } from './compare-rows-policy.ts';
import { recompute } from './recompute.ts';

export interface PartitionReport {
  readonly partition: number;
  readonly rows: number;
  readonly logs: number;
  /** The first offset that ClickHouse does not hold. */
  readonly position: number;
  /** Offsets that were read again from Kafka. */
  readonly recomputed: { readonly from: number; readonly to: number } | null;
  /** Offsets in Kafka that are not stored yet. */
  readonly tail: number;
}

export interface VerifyReport {
  readonly partitions: readonly PartitionReport[];
  readonly rows: number;
  readonly logs: number;
  readonly recomputedRecords: number;
  /** Of these, rows that stand as they were refused in their day, and would be judged otherwise now. */
  readonly refusedInTheirDay: number;
  /** Rows of losses that an operator has accepted (status `lost`): what they stand for is nowhere any more. */
  readonly lost: number;
  readonly findings: readonly Finding[];
}

/**
 * Checks I2, I3 and I4: over all that ClickHouse holds, and record by record over all that Kafka still holds. Reads only; may run
 * beside a living system: it judges each partition up to the position that it saw first. Throws when Kafka, the registry
 * or ClickHouse is away.
 */
export async function verify(
  config: KafkaSettings & RegistrySettings & MacKeySettings & ClickHouseConfig,
  logger: Logger,
): Promise<VerifyReport> {
  const kafka = createKafka(config, { logger, clientId: 'docket-verify' });
  const clickhouse = createClickHouse(config);
  try {
    const topology = await checkTopics(kafka);
    const topic = kafka.topics.events.name;
    const committed = await fetchCommits(kafka, ingestorGroupOf(kafka), topic);
    const stored = await checkClickHouse(clickhouse, topology);
    const decoders = createEventDecoders(createSchemaRegistry(config), valueSubjectOf(topic), logger);
    const ports = { clickhouse, kafka, decoders, mac: recordMacOf(config) };
    const recomputed = await recompute(ports, topology, stored.heads);
    return {
      rows: stored.rows,
      logs: stored.logs,
      lost: stored.lost,
      recomputedRecords: recomputed.records,
      refusedInTheirDay: recomputed.refusedInTheirDay,
      findings: [...stored.findings, ...behindCommit(stored, committed, topology.generation), ...recomputed.findings],
      partitions: Array.from({ length: topology.partitions }, (_, partition) => {
        const heads = stored.heads.get(partition);
        const range = recomputed.ranges.find((one) => one.partition === partition);
        return {
          partition,
          rows: [...(heads?.heads.values() ?? [])].reduce((sum, head) => sum + head.rows, 0),
          logs: heads?.heads.size ?? 0,
          position: heads === undefined ? 0 : positionOf(heads),
          recomputed: range === undefined ? null : { from: range.from, to: range.to },
          tail: recomputed.tail.get(partition) ?? 0,
        };
      }),
    };
  } finally {
    await clickhouse.close();
  }
}

/**
 * The ingestor commits to Kafka only what is stored, and what held no data behind it, so a prefix that ends before what its commit says
 * is stored has lost its newest rows.
 */
function behindCommit(stored: ClickHouseReport, commits: ReadonlyMap<number, Commit>, generation: number): Finding[] {
  return [...commits].flatMap(([partition, commit]) => {
    const nextOffset = passedRangeOf(commit, generation)?.from ?? commit.offset;
    const heads = stored.heads.get(partition);
    const position = heads === undefined ? 0 : positionOf(heads);
    if (position >= nextOffset) return [];
    const detail = `rows up to offset ${nextOffset - 1} were stored, now the prefix ends at offset ${position - 1}: the newest rows are missing`;
    return [{ kind: 'behind_commit' as const, partition, detail }];
  });
}
