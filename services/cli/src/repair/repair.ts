import { createClickHouse, type ClickHouseConfig } from '@docket/clickhouse';
import {
  checkTopics,
  createEventDecoders,
  createKafka,
  createSchemaRegistry,
  recordMacOf,
  valueSubjectOf,
  type KafkaSettings,
  type MacKeySettings,
  type RegistrySettings,
  type Topology,
} from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { isAnotherTopic, judgePartitions } from '../accept-loss/judge-partitions.ts';
import type { WalkPorts } from '../verify/walk-records.ts';
import type { GoneSeqs, MissingRows } from './missing-policy.ts';
import { planRepair } from './plan-repair.ts';
import { putBack } from './put-back.ts';

export interface OperatorOptions {
  /** Undefined: all of them. */
  readonly partition?: number | undefined;
  /** Without it, nothing is changed. */
  readonly isApplied: boolean;
}

export interface RepairedPartition {
  readonly partition: number;
  /** Rows that Kafka's records say are missing. */
  readonly missing: readonly MissingRows[];
  /** Of them, those that were put back. */
  readonly inserted: number;
  /** Rows that nothing can bring back. */
  readonly gone: readonly GoneSeqs[];
  /** Logs that were left alone, and why. */
  readonly contradictions: readonly { readonly log: string; readonly detail: string }[];
}

export interface RepairReport {
  readonly applied: boolean;
  readonly partitions: readonly RepairedPartition[];
  /** Nothing is missing, or nothing any more. */
  readonly isWhole: boolean;
}

export type OperatorConfig = KafkaSettings & RegistrySettings & MacKeySettings & ClickHouseConfig;

/**
 * Puts back rows that ClickHouse lacks below a partition's position, from the records that Kafka still holds: with the seq and
 * status that they had, and nothing else is touched. May run beside a living system. Throws when Kafka, the registry or
 * ClickHouse is away, and of a partition of which Kafka holds other records than those that are stored.
 */
export async function repair(config: OperatorConfig, logger: Logger, options: OperatorOptions): Promise<RepairReport> {
  return withInstallation(config, logger, async (ports, topology) => {
    const asked = partitionsOf(topology, options.partition);
    const other = (await judgePartitions(ports, topology, asked)).find(isAnotherTopic);
    if (other !== undefined)
      throw new Error(`partition ${other.partition}: Kafka holds another topic: docket accept-loss`);
    const plan = await planRepair(ports, topology, asked);
    const partitions: RepairedPartition[] = [];
    for (const one of plan.partitions) {
      const isNeeded = options.isApplied && one.missing.length > 0;
      partitions.push({
        partition: one.partition,
        missing: one.missing,
        inserted: isNeeded ? await putBack(ports, topology, plan.heads, one) : 0,
        gone: one.gone,
        contradictions: [...one.contradictions].map(([log, detail]) => ({ log, detail })),
      });
    }
    const isWhole = partitions.every(
      ({ missing, inserted, gone, contradictions }) =>
        rowsOf(missing) <= inserted && gone.length === 0 && contradictions.length === 0,
    );
    return { applied: options.isApplied, partitions, isWhole };
  });
}

export function rowsOf(missing: readonly MissingRows[]): number {
  return missing.reduce((sum, { rows }) => sum + rows, 0);
}

export function partitionsOf({ partitions }: Topology, partition: number | undefined): number[] {
  if (partition === undefined) return Array.from({ length: partitions }, (_, index) => index);
  if (partition >= partitions) throw new Error(`there is no partition ${partition}: the topic has ${partitions}`);
  return [partition];
}

/** Opens what an operator's command works on, and closes it. */
export async function withInstallation<T>(
  config: OperatorConfig,
  logger: Logger,
  work: (ports: WalkPorts, topology: Topology) => Promise<T>,
): Promise<T> {
  const kafka = createKafka(config, { logger, clientId: 'docket-operator' });
  const clickhouse = createClickHouse(config);
  try {
    const topology = await checkTopics(kafka);
    const subject = valueSubjectOf(kafka.topics.events.name);
    const decoders = createEventDecoders(createSchemaRegistry(config), subject, logger);
    return await work({ clickhouse, kafka, decoders, mac: recordMacOf(config) }, topology);
  } finally {
    await clickhouse.close();
  }
}
