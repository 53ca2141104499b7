import { fetchCommittedOffsets, fetchTopicOffsets, type KafkaClient } from '@docket/kafka';

/** Where partitions end in Kafka, and what the group has noted as stored or as holding no data, both at least as new as `atMs`. Rejects with `kafka_unavailable`. */
export async function fetchEnds(kafka: KafkaClient, groupId: string, topic: string) {
  const atMs = Date.now();
  const [ranges, committed] = await Promise.all([
    fetchTopicOffsets(kafka, topic),
    fetchCommittedOffsets(kafka, groupId, topic),
  ]);
  return { atMs, ends: new Map(ranges.map(({ partition, end }) => [partition, end])), committed };
}
