import { migrate as migrateClickHouse, type ClickHouseConfig } from '@docket/clickhouse';
import {
  createKafka,
  createSchemaRegistry,
  ensureTopics,
  valueSubjectOf,
  type KafkaSettings,
  type RegistrySettings,
} from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { auditEventAvro, clickhouseMigrationsDirectory, deliveryAttemptAvro } from '@docket/schemas';

export interface MigrateConfig extends KafkaSettings, RegistrySettings, ClickHouseConfig {
  readonly kafkaPartitions: number;
}

/**
 * Creates topics, registers schemas and migrates ClickHouse: safe to run twice, by two at once, and on a living system.
 * Returns one line for each of the three.
 */
export async function migrateAll(config: MigrateConfig, logger: Logger): Promise<string[]> {
  const kafka = createKafka(config, { logger, clientId: 'docket-migrate' });
  const topology = await ensureTopics(kafka, { partitions: config.kafkaPartitions });
  const registry = createSchemaRegistry(config);
  const { events, attempts } = kafka.topics;
  const eventSchemaId = await registry.register(valueSubjectOf(events.name), auditEventAvro);
  const attemptSchemaId = await registry.register(valueSubjectOf(attempts.name), deliveryAttemptAvro);
  const { applied, alreadyApplied } = await migrateClickHouse(config, { directory: clickhouseMigrationsDirectory });
  return [
    `topics: ${topology.created.length === 0 ? 'all there' : `created ${topology.created.join(', ')}`}; ${topology.partitions} partitions, generation ${topology.generation}`,
    `schemas: ${valueSubjectOf(events.name)} has id ${eventSchemaId}, ${valueSubjectOf(attempts.name)} has id ${attemptSchemaId}`,
    `ClickHouse: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`} (${alreadyApplied} before)`,
  ];
}
