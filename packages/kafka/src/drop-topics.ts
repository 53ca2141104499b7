import { withAdmin } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';
import { kafkaUnavailable } from './kafka-errors.ts';
import { allTopics } from './topics.ts';

const dropDeadlineMs = 30_000;

/**
 * Removes an installation from the cluster: its four topics and the consumer groups of its prefix. The log is gone then; nothing of Docket calls
 * this but the end of a test. Idempotent. Rejects with `kafka_unavailable`; groups that still have members stay.
 */
export async function dropTopics(kafka: KafkaClient): Promise<void> {
  await withAdmin(kafka, dropDeadlineMs, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const topics = allTopics(kafka.topics)
      .map((topic) => topic.name)
      .filter((name) => existing.has(name));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    const { groups } = await admin.listGroups();
    const ours = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(kafka.settings.kafkaTopicPrefix));
    // Rejects when one of them is not empty; the others are gone all the same.
    if (ours.length > 0) await admin.deleteGroups(ours).catch(() => undefined);
  }).catch((error: unknown) => {
    throw kafkaUnavailable('removing the topics', error);
  });
}
