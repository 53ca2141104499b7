import { randomUUID } from 'node:crypto';
import { createLogger, readSettings } from '@docket/runtime';

import { createKafka, ensureTopics, kafkaSettings } from '../src/index.ts';
import type { KafkaClient } from '../src/index.ts';
import { withAdmin } from '../src/kafka-client.ts';

export const logger = createLogger({ service: 'test', level: 'silent' });

/** A client of the test run's Kafka with a prefix of its own, so with topics of its own. */
export function newKafka(env: Record<string, string> = {}): KafkaClient {
  const settings = readSettings(kafkaSettings, { ...process.env, KAFKA_TOPIC_PREFIX: `test-${randomUUID()}.`, ...env });
  return createKafka(settings, { logger, clientId: 'test' });
}

export async function newKafkaWithTopics(partitions = 3): Promise<KafkaClient> {
  const kafka = newKafka();
  await ensureTopics(kafka, { partitions });
  return kafka;
}

/** Does to partition 0 what retention does. */
export async function deleteRecordsBefore(kafka: KafkaClient, topic: string, offset: number): Promise<void> {
  await withAdmin(kafka, 20_000, async (admin) => {
    // kafkajs deletes only in topics whose metadata it has, and this fetches them.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
  });
}

/** Resolves when the condition holds; polls, and rejects after the deadline. */
export async function eventually(what: string, isSo: () => boolean, deadlineMs = 20_000): Promise<void> {
  const endsAtMs = Date.now() + deadlineMs;
  while (!isSo()) {
    if (Date.now() > endsAtMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** Stops everything that a test started, newest first. */
export function stopper(): { add<T extends { stop(): Promise<void> }>(running: T): T; stopAll(): Promise<void> } {
  const running: { stop(): Promise<void> }[] = [];
  return {
    add: (started) => {
      running.push(started);
      return started;
    },
    stopAll: async () => {
      for (const one of running.splice(0).toReversed()) await one.stop();
    },
  };
}
