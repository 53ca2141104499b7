import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouse } from '@docket/clickhouse';
import { clickhouseSettings, createClickHouse, migrate } from '@docket/clickhouse';
import type { KafkaClient, SchemaRegistry } from '@docket/kafka';
import {
  createKafka,
  createSchemaRegistry,
  dropTopics,
  ensureTopics,
  kafkaSettings,
  registrySettings,
  valueSubjectOf,
} from '@docket/kafka';
import { createLogger, readSettings } from '@docket/runtime';
import { auditEventAvro, clickhouseMigrationsDirectory, deliveryAttemptAvro } from '@docket/schemas';
import { claimTestDatabase } from './claim-database.ts';
import { stackFromEnv } from './stack-from-env.ts';

/** An installation of its own on the shared stack: own topics, consumer groups and database, invisible to every other test. */
export interface World {
  /** KAFKA_TOPIC_PREFIX of this world. */
  readonly prefix: string;
  /** CLICKHOUSE_DATABASE of this world. */
  readonly database: string;
  /** Partitions of its events topic. */
  readonly partitions: number;
  /** Every setting that a service needs to work in this world; the service's own (keys, URLs of others) are added by the test. */
  readonly env: Readonly<Record<string, string>>;
  readonly kafka: KafkaClient;
  readonly registry: SchemaRegistry;
  /** The id of our own schema of events. */
  readonly eventSchemaId: number;
  readonly clickhouse: ClickHouse;
  /** Removes topics, consumer groups, subjects, database and spool. Safe to call twice. Stop the services first. */
  close(): Promise<void>;
}

/**
 * Makes a world and migrates it as `docket migrate` does: topics, schemas, tables.
 * @param options.partitions of the events topic; default 4, few enough to be quick and enough for logs to spread.
 */
export async function createWorld(options: { partitions?: number } = {}): Promise<World> {
  const { partitions = 4 } = options;
  const name = randomBytes(5).toString('hex');
  const stack = stackFromEnv();
  const env = {
    ...stack,
    KAFKA_TOPIC_PREFIX: `test-${name}.`,
    KAFKA_PARTITIONS: String(partitions),
    CLICKHOUSE_DATABASE: await claimTestDatabase(readSettings(clickhouseSettings, { ...stack })),
    TRAIL_SPOOL_DIR: await mkdtemp(join(tmpdir(), 'docket-trail-')),
    DOCKET_TOKEN_KEYS: randomBytes(32).toString('base64'),
  };
  const settings = readSettings({ ...kafkaSettings, ...registrySettings, ...clickhouseSettings }, env);
  const logger = createLogger({ service: 'testkit', level: 'silent' });
  const kafka = createKafka(settings, { logger, clientId: `testkit-${name}` });
  const registry = createSchemaRegistry(settings);
  const subjects = [kafka.topics.events, kafka.topics.attempts].map((topic) => valueSubjectOf(topic.name));
  const [eventSubject = '', attemptSubject = ''] = subjects;

  const [eventSchemaId] = await Promise.all([
    registry.register(eventSubject, auditEventAvro),
    ensureTopics(kafka, { partitions }),
    registry.register(attemptSubject, deliveryAttemptAvro),
    migrate(settings, { directory: clickhouseMigrationsDirectory }),
  ]);

  const clickhouse = createClickHouse(settings);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([
      dropTopics(kafka),
      ...subjects.map((subject) => dropSubject(env.SCHEMA_REGISTRY_URL, subject)),
      clickhouse.command('DROP DATABASE IF EXISTS {database:Identifier} SYNC', { database: env.CLICKHOUSE_DATABASE }),
    ]);
    await clickhouse.close();
    await rm(env.TRAIL_SPOOL_DIR, { recursive: true, force: true });
  };
  return {
    prefix: env.KAFKA_TOPIC_PREFIX,
    database: env.CLICKHOUSE_DATABASE,
    partitions,
    env,
    kafka,
    registry,
    eventSchemaId,
    clickhouse,
    close: () => (closing ??= close()),
  };
}

async function dropSubject(registryUrl: string, subject: string): Promise<void> {
  const response = await fetch(`${registryUrl}/subjects/${encodeURIComponent(subject)}`, {
    method: 'DELETE',
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok && response.status !== 404) throw new Error(`${subject} was not removed: status ${response.status}`);
}
