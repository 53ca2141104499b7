import { fetchHighWatermarks } from '@docket/kafka';
import type { KafkaClient } from '@docket/kafka';

/** Where the partitions of a topic ended at a moment: whatever had been acknowledged before it has a smaller offset, also what an open transaction still hides. */
export interface PartitionEnds {
  readonly asOfMs: number;
  readonly ends: ReadonlyMap<number, number>;
}

/** However many ask, Kafka is asked at most once in this time. */
const freshForMs = 1_000;

/** Gives undefined while Kafka does not answer. */
export function createPartitionEnds(kafka: KafkaClient, topic: string): () => Promise<PartitionEnds | undefined> {
  let asked: { readonly asOfMs: number; readonly answer: Promise<PartitionEnds | undefined> } | undefined;

  const ask = async (asOfMs: number): Promise<PartitionEnds | undefined> => {
    try {
      return { asOfMs, ends: await fetchHighWatermarks(kafka, topic) };
    } catch (error) {
      kafka.logger.debug({ err: error, topic }, 'ends.unknown');
      return undefined;
    }
  };

  return () => {
    const nowMs = Date.now();
    if (asked === undefined || nowMs - asked.asOfMs >= freshForMs) asked = { asOfMs: nowMs, answer: ask(nowMs) };
    return asked.answer;
  };
}
