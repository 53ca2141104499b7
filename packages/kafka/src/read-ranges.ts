import { randomUUID } from 'node:crypto';
import type { LogRecord } from '@docket/event';

import { kafkaUnavailable } from './kafka-errors.ts';
import type { KafkaClient } from './kafka-client.ts';
import { createPartitionConsumer } from './partition-consumer.ts';
import { fetchTopicOffsets } from './topic-offsets.ts';

/** Offsets `from` up to, but not including, `to`. */
export interface OffsetRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface ReadOptions {
  readonly topic: string;
  /** Committed data records of one partition, ascending; a promise holds back the next fetch. */
  onRecords(records: readonly LogRecord[], partition: number): Promise<void> | void;
  /** Rejects when nothing at all has been read for this time. Default 30,000: a join of a group takes up to 6 s. */
  readonly idleDeadlineMs?: number;
}

/**
 * Reads ranges of a topic once, read_committed, in a group of its own that commits nothing. A range is cut to what the topic holds: offsets
 * may have gaps, and a log may begin after `from`. Gives the ranges as they were read, empty ones left out.
 * Rejects with `kafka_unavailable`.
 */
export async function readRanges(
  kafka: KafkaClient,
  options: ReadOptions & { ranges: readonly OffsetRange[] },
): Promise<OffsetRange[]> {
  const held = new Map((await fetchTopicOffsets(kafka, options.topic)).map((range) => [range.partition, range]));
  const ranges = options.ranges
    .map(({ partition, from, to }) => {
      const { earliest = 0, end = 0 } = held.get(partition) ?? {};
      return { partition, from: Math.max(from, earliest), to: Math.min(to, end) };
    })
    .filter(({ from, to }) => from < to);
  if (ranges.length > 0) await readHeld(kafka, options, ranges);
  return ranges;
}

/** Reads all that a topic holds now. As `readRanges`. */
export async function readTopic(kafka: KafkaClient, options: ReadOptions): Promise<OffsetRange[]> {
  return readRanges(kafka, { ...options, ranges: await wholeOf(kafka, options.topic) });
}

async function wholeOf(kafka: KafkaClient, topic: string): Promise<OffsetRange[]> {
  return (await fetchTopicOffsets(kafka, topic)).map(({ partition, earliest, end }) => ({
    partition,
    from: earliest,
    to: end,
  }));
}

/** Reads one partition; convenience over `readRanges`. */
export async function readPartition(
  kafka: KafkaClient,
  options: ReadOptions & { partition: number; from: number; to: number },
): Promise<OffsetRange | undefined> {
  const { partition, from, to } = options;
  const [range] = await readRanges(kafka, { ...options, ranges: [{ partition, from, to }] });
  return range;
}

async function readHeld(kafka: KafkaClient, options: ReadOptions, ranges: readonly OffsetRange[]): Promise<void> {
  const { topic, idleDeadlineMs = 30_000 } = options;
  /** What is left to read, by partition: the next offset that nobody has been handed, and the end. */
  const left = new Map(ranges.map(({ partition, from, to }) => [partition, { next: from, to }]));
  /** The last handing of each partition: also over a rejoin, records are handed once and one batch at a time. */
  const tails = new Map<number, Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  /** Handlers at work: while there is one, nobody waits for Kafka. */
  let handing = 0;
  let handlerFailure: { readonly error: unknown } | undefined;
  let settle: { done: () => void; fail: (error: Error) => void } | undefined;
  let isOver = false;

  const stayAwake = (): void => {
    clearTimeout(timer);
    if (isOver) return;
    timer = setTimeout(() => {
      if (handing > 0) stayAwake();
      else settle?.fail(new Error(`nothing of ${topic} came for ${idleDeadlineMs} ms`));
    }, idleDeadlineMs);
  };
  const advance = (partition: number, next: number): void => {
    stayAwake();
    const range = left.get(partition);
    if (range === undefined) return;
    range.next = Math.max(range.next, next);
    if (next < range.to) return;
    left.delete(partition);
    const { id } = consumer.assignment() ?? {};
    if (id !== undefined) consumer.pause(id, partition);
    if (left.size === 0) settle?.done();
  };

  /** A reader that fails ends the reading: handing it the records again could count them twice. */
  const hand = async (records: readonly LogRecord[], partition: number): Promise<void> => {
    try {
      handing += 1;
      if (handlerFailure === undefined) await options.onRecords(records, partition);
    } catch (error) {
      handlerFailure ??= { error };
      settle?.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      handing -= 1;
      stayAwake();
    }
  };

  const consumer = createPartitionConsumer(kafka, {
    groupId: `${kafka.settings.kafkaTopicPrefix}reader.${randomUUID()}`,
    topic,
    onAssigned: ({ id }) => {
      for (const [partition, { next, to }] of left) if (next < to) consumer.resumeAt(id, partition, next);
    },
    onBatch: ({ partition, records, lastOffset }) => {
      const range = left.get(partition);
      const wanted = records.filter(({ offset }) => offset < (range?.to ?? 0));
      if (range === undefined || wanted.length === 0) return;
      range.next = lastOffset + 1;
      const handed = (tails.get(partition) ?? Promise.resolve())
        .then(() => hand(wanted, partition))
        .then(() => advance(partition, lastOffset + 1));
      tails.set(partition, handed);
      return handed;
    },
    onPosition: advance,
    onPositionJump: ({ assignmentId, partition, expectedOffset, foundOffset }) => {
      if (foundOffset < expectedOffset)
        return settle?.fail(
          new Error(`${topic}/${partition} lost what was being read: it now begins at ${foundOffset}`),
        );
      // Retention took the beginning meanwhile.
      advance(partition, foundOffset);
      consumer.resumeAt(assignmentId, partition, foundOffset);
    },
    onUnreadable: ({ partition, batch: { offset, detail } }) =>
      settle?.fail(new Error(`the batch of ${topic}/${partition} at offset ${offset} cannot be read: ${detail}`)),
    onCrash: (error) => settle?.fail(error),
  });

  try {
    await new Promise<void>((resolve, reject) => {
      settle = { done: resolve, fail: reject };
      stayAwake();
      consumer.start();
    });
  } catch (error) {
    throw handlerFailure === undefined ? kafkaUnavailable(`reading ${topic}`, error) : error;
  } finally {
    isOver = true;
    clearTimeout(timer);
    await consumer.stop();
  }
}
