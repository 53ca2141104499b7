import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';
import { DocketError } from '@docket/runtime';

import { kafkaUnavailable } from './kafka-errors.ts';
import { untilDefined, withAdmin } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';
import { topicProblems } from './topic-policy.ts';
import type { TopicFound } from './topic-policy.ts';
import { allTopics } from './topics.ts';
import type { TopicDeclaration } from './topics.ts';
import { readTopology, recordTopology } from './topology.ts';
import type { Topology } from './topology.ts';

/** A controller that creates 1,024 partitions on a busy cluster takes seconds; more than this is an outage. */
const setupDeadlineMs = 60_000;
const checkDeadlineMs = 20_000;

/**
 * Creates what is missing of the four topics and records the partition count of the events topic where none is recorded.
 * Idempotent, and safe when two run at once. Changes nothing that exists: `checkTopics` says what is wrong with it.
 * Rejects with `kafka_unavailable` after 60 s.
 */
export async function ensureTopics(
  kafka: KafkaClient,
  options: { partitions: number },
): Promise<Topology & { created: readonly string[] }> {
  const declared = allTopics(kafka.topics);
  const { created, eventPartitions } = await withAdmin(kafka, setupDeadlineMs, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = declared.filter((topic) => !existing.has(topic.name));
    if (missing.length > 0) {
      const known = await knownPartitions(kafka, admin, existing);
      const partitionsOf = (topic: TopicDeclaration): number =>
        topic.partitions === 'as events' ? (known ?? options.partitions) : topic.partitions;
      // False when another process created one of them in between: then its topics are the ones.
      await admin.createTopics({
        waitForLeaders: false,
        topics: missing.map((topic) => ({
          topic: topic.name,
          numPartitions: partitionsOf(topic),
          replicationFactor: kafka.settings.kafkaReplicationFactor,
          configEntries: configEntries(kafka, topic),
        })),
      });
    }
    const found = await untilDefined(() => withLeaders(admin, declared), {
      deadlineMs: 30_000,
      intervalMs: 100,
      what: 'a leader for every partition',
    });
    return { created: missing.map((topic) => topic.name), eventPartitions: found.get(kafka.topics.events.name) ?? 0 };
  }).catch((error: unknown) => {
    throw kafkaUnavailable('creating the topics', error);
  });
  const recorded = await readTopology(kafka);
  if (recorded !== undefined) return { ...recorded, created };
  // Two that record at once record the same: the count that the topic really has.
  const topology: Topology = { generation: 1, partitions: eventPartitions };
  await recordTopology(kafka, topology);
  return { ...topology, created };
}

/** The count that is recorded, or else that of the events topic: what is as events has to have as many. */
async function knownPartitions(
  kafka: KafkaClient,
  admin: Admin,
  existing: ReadonlySet<string>,
): Promise<number | undefined> {
  const { directory, events } = kafka.topics;
  const recorded = existing.has(directory.name) ? await readTopology(kafka) : undefined;
  if (recorded !== undefined || !existing.has(events.name)) return recorded?.partitions;
  const { topics } = await admin.fetchTopicMetadata({ topics: [events.name] });
  return topics[0]?.partitions.length;
}

function configEntries(kafka: KafkaClient, topic: TopicDeclaration): { name: string; value: string }[] {
  const config = { ...topic.config, 'min.insync.replicas': String(kafka.settings.kafkaMinInsyncReplicas) };
  return Object.entries(config).map(([name, value]) => ({ name, value }));
}

/** Partition counts by topic name once every partition has a leader; undefined before. */
async function withLeaders(
  admin: Admin,
  declared: readonly TopicDeclaration[],
): Promise<Map<string, number> | undefined> {
  const existing = new Set(await admin.listTopics());
  if (declared.some((topic) => !existing.has(topic.name))) return undefined;
  const { topics } = await admin.fetchTopicMetadata({ topics: declared.map((topic) => topic.name) });
  const isWhole = topics.every(
    ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
  );
  return isWhole ? new Map(topics.map(({ name, partitions }) => [name, partitions.length])) : undefined;
}

/**
 * I1: checks that all four topics are what durability and density rest on, and gives the recorded topology.
 * Rejects with `topic_misconfigured`, naming every problem and its remedy, or with `kafka_unavailable`. Deadline 20 s.
 */
export async function checkTopics(kafka: KafkaClient): Promise<Topology> {
  const declared = allTopics(kafka.topics);
  const found = await withAdmin(kafka, checkDeadlineMs, (admin) => findTopics(admin, declared)).catch(
    (error: unknown) => {
      throw kafkaUnavailable('checking the topics', error);
    },
  );
  const directoryExists = found.has(kafka.topics.directory.name);
  const topology = directoryExists ? await readTopology(kafka) : undefined;
  const demands = {
    replicationFactor: kafka.settings.kafkaReplicationFactor,
    minInsyncReplicas: kafka.settings.kafkaMinInsyncReplicas,
    eventPartitions: topology?.partitions ?? found.get(kafka.topics.events.name)?.partitions ?? 0,
  };
  const problems = declared.flatMap((topic) => topicProblems(topic, found.get(topic.name), demands));
  if (directoryExists && topology === undefined) {
    problems.push(`${kafka.topics.directory.name} records no partition count: run \`docket migrate\``);
  }
  if (problems.length > 0 || topology === undefined) {
    throw new DocketError('topic_misconfigured', `${problems.join('; ')}.`);
  }
  return topology;
}

async function findTopics(admin: Admin, declared: readonly TopicDeclaration[]): Promise<Map<string, TopicFound>> {
  const existing = new Set(await admin.listTopics());
  const names = declared.map((topic) => topic.name).filter((name) => existing.has(name));
  if (names.length === 0) return new Map();
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  });
  const configs = new Map(
    resources.map(({ resourceName, configEntries: entries }) => [
      resourceName,
      Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
  return new Map(
    topics.map(({ name, partitions }) => [
      name,
      {
        name,
        partitions: partitions.length,
        replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        config: configs.get(name) ?? {},
      },
    ]),
  );
}
