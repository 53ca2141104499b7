import { pauseFor } from './deadline.ts';
import { isRetriable, kafkaUnavailable } from './kafka-errors.ts';
import { withAdmin } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';

/** What a partition holds: offsets from `earliest` up to, but not including, `end`. Equal when it holds nothing. */
export interface PartitionRange {
  readonly partition: number;
  readonly earliest: number;
  /** The last stable offset: what read_committed consumers can reach now. An open transaction, or one whose marker is still to be written, lies behind it. */
  readonly end: number;
}

const offsetsDeadlineMs = 15_000;
const retryDelayMs = 200;

/** The ranges of all partitions, ordered by partition. Rejects with `kafka_unavailable` after the deadline, by default 15 s. */
export function fetchTopicOffsets(
  kafka: KafkaClient,
  topic: string,
  deadlineMs = offsetsDeadlineMs,
): Promise<PartitionRange[]> {
  return rangesOf(kafka, topic, { deadlineMs, isUncommitted: false });
}

/**
 * Where all partitions end, whatever transactions are open on them: every record that Kafka has acknowledged has a smaller offset. By partition. Rejects as
 * `fetchTopicOffsets`.
 */
export async function fetchHighWatermarks(kafka: KafkaClient, topic: string): Promise<Map<number, number>> {
  const ranges = await rangesOf(kafka, topic, { deadlineMs: offsetsDeadlineMs, isUncommitted: true });
  return new Map(ranges.map(({ partition, end }) => [partition, end]));
}

async function rangesOf(
  kafka: KafkaClient,
  topic: string,
  asked: { readonly deadlineMs: number; readonly isUncommitted: boolean },
): Promise<PartitionRange[]> {
  const endsAtMs = Date.now() + asked.deadlineMs;
  for (;;) {
    try {
      const leftMs = Math.max(1, endsAtMs - Date.now());
      const offsets = await withAdmin(kafka, leftMs, (admin) => admin.fetchTopicOffsets(topic), asked);
      return offsets
        .map(({ partition, low, high }) => ({ partition, earliest: Number(low), end: Number(high) }))
        .toSorted((a, b) => a.partition - b.partition);
    } catch (error) {
      // kafkajs gives up at once when a leader has just been elected; new metadata mends it.
      if (!isRetriable(error) || Date.now() + retryDelayMs >= endsAtMs)
        throw kafkaUnavailable(`reading the offsets of ${topic}`, error);
      await pauseFor(retryDelayMs);
    }
  }
}

/** What a group has committed for a partition. */
export interface Commit {
  /** The next offset. */
  readonly offset: number;
  /** What was said with it; empty when nothing was. */
  readonly note: string;
}

/** What a group has committed, by partition. Empty for a group that never did, or whose topic was deleted since. */
export async function fetchCommits(kafka: KafkaClient, groupId: string, topic: string): Promise<Map<number, Commit>> {
  const answers = await withAdmin(kafka, offsetsDeadlineMs, (admin) =>
    admin.fetchOffsets({ groupId, topics: [topic] }),
  ).catch((error: unknown) => {
    throw kafkaUnavailable(`reading the committed offsets of ${groupId}`, error);
  });
  const committed = answers.flatMap(({ partitions }) => partitions).filter(({ offset }) => Number(offset) >= 0);
  return new Map(
    committed.map(({ partition, offset, metadata }) => [partition, { offset: Number(offset), note: metadata ?? '' }]),
  );
}

/** How far a group says it is: the next offset of each partition it has committed for. */
export async function fetchCommittedOffsets(
  kafka: KafkaClient,
  groupId: string,
  topic: string,
): Promise<Map<number, number>> {
  const commits = await fetchCommits(kafka, groupId, topic);
  return new Map([...commits].map(([partition, { offset }]) => [partition, offset]));
}
