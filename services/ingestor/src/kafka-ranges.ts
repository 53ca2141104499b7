import { fetchCommits, fetchTopicId, fetchTopicOffsets, passedRangeOf, type KafkaClient } from '@docket/kafka';
import type { KafkaRange } from './position-policy.ts';

/** The consumer group of an installation's ingestors. */
export function ingestorGroupOf({ settings }: KafkaClient): string {
  return `${settings.kafkaTopicPrefix}ingestor`;
}

/**
 * What Kafka has of each partition of the events topic, with what ingestors of this generation have noted about offsets without data.
 * Throws when Kafka is away.
 */
export async function readKafkaRanges(kafka: KafkaClient, generation: number): Promise<Map<number, KafkaRange>> {
  const topic = kafka.topics.events.name;
  const ranges = await fetchTopicOffsets(kafka, topic);
  const commits = await fetchCommits(kafka, ingestorGroupOf(kafka), topic);
  // After the offsets: as long as it is this id, they were this topic's.
  const topicId = await fetchTopicId(kafka, topic);
  return new Map(
    ranges.map(({ partition, earliest, end: next }): [number, KafkaRange] => {
      const passed = passedRangeOf(commits.get(partition), generation);
      const known = topicId === null ? {} : { topicId, ...(passed === undefined ? {} : { passed }) };
      return [partition, { earliest, next, ...known }];
    }),
  );
}
