import { randomUUID } from 'node:crypto';
import type { LogRecord } from '@docket/event';
import { DocketError } from '@docket/runtime';

import { pauseFor, within } from './deadline.ts';
import type { KafkaClient } from './kafka-client.ts';
import { createPartitionConsumer } from './partition-consumer.ts';
import { fetchTopicOffsets } from './topic-offsets.ts';

export interface TopicViewOptions {
  readonly topic: string;
  /**
   * Each committed data record, in order within its partition; a null value is a tombstone. After a lost position records may come again:
   * MUST be idempotent, and MUST NOT throw (that ends the view through `onCrash`).
   */
  onRecord(record: LogRecord): void;
  /** The view has ended for good: end the process. */
  onCrash(error: Error): void;
  /** How often it looks whether it holds all. Default 15,000. */
  readonly ageIntervalMs?: number;
}

export interface TopicView {
  /** Returns at once; joins and reads in the background. */
  start(): void;
  stop(): Promise<void>;
  /** True from the moment at which all that the topic held when the view began has been read; it stays true. */
  isCaughtUp(): boolean;
  /** How old what it holds may be: ms since the last moment at which all that was committed is known to have been read; before there is one, since the start. */
  ageMs(): number;
  /** Resolves when caught up. Rejects with `not_caught_up` after the deadline or after `stop`. */
  waitUntilCaughtUp(deadlineMs: number): Promise<void>;
  /**
   * Resolves when all that is committed in the topic now has been read; what a writer committed a moment ago may not be: use `waitUntilReached`.
   * Rejects with `kafka_unavailable` or `not_caught_up`.
   */
  refresh(deadlineMs: number): Promise<void>;
  /** Resolves when everything below `endOffset` of a partition has been read: a writer reads its own write. Rejects with `not_caught_up`. */
  waitUntilReached(partition: number, endOffset: number, deadlineMs: number): Promise<void>;
}

const offsetsRetryMs = 500;
const defaultAgeIntervalMs = 15_000;
/** Whoever stops meanwhile, with Kafka away, waits for it. */
const proofDeadlineMs = 2_000;

/**
 * Reads a whole topic, usually a compacted one, and follows it, in a group of its own that commits nothing. Caught up means: every partition's
 * position has reached the end that it had; the last record of a topic may be a transaction marker, which is never handed out.
 */
export function createTopicView(kafka: KafkaClient, options: TopicViewOptions): TopicView {
  const { topic, ageIntervalMs = defaultAgeIntervalMs } = options;
  const positions = new Map<number, number>();
  /** Called after every step forward; each answers whether it is satisfied and can go. */
  const waiters = new Set<() => boolean>();
  let ends: Map<number, number> | undefined;
  let isCaughtUp = false;
  let isStopped = false;
  let wholeAtMs = performance.now();
  let ageTimer: NodeJS.Timeout | undefined;
  let proving: Promise<void> | undefined;

  const hasReached = (targets: ReadonlyMap<number, number>): boolean =>
    [...targets].every(([partition, end]) => (positions.get(partition) ?? 0) >= end);

  const moved = (): void => {
    isCaughtUp ||= ends !== undefined && hasReached(ends);
    for (const waiter of waiters) if (waiter()) waiters.delete(waiter);
  };

  const isPresent = (assignmentId: string): boolean => !isStopped && consumer.assignment()?.id === assignmentId;

  /** Begins, or after a rejoin goes on, at each partition's position. */
  const prepare = async (assignmentId: string): Promise<void> => {
    while (isPresent(assignmentId)) {
      try {
        const ranges = await fetchTopicOffsets(kafka, topic);
        ends ??= new Map(ranges.map(({ partition, end }) => [partition, end]));
        for (const { partition, earliest, end } of ranges) {
          const position = positions.get(partition) ?? earliest;
          // A position outside the log means that the topic was recreated: read the new one.
          const offset = position >= earliest && position <= end ? position : earliest;
          positions.set(partition, offset);
          consumer.resumeAt(assignmentId, partition, offset);
        }
        moved();
        return;
      } catch (error) {
        kafka.logger.warn({ err: error, topic }, 'view.prepare_failed');
        await pauseFor(offsetsRetryMs);
      }
    }
  };

  const consumer = createPartitionConsumer(kafka, {
    groupId: `${kafka.settings.kafkaTopicPrefix}view.${randomUUID()}`,
    topic,
    onAssigned: ({ id }) => void prepare(id),
    onBatch: ({ records }) => {
      for (const record of records) options.onRecord(record);
    },
    onPosition: (partition, nextOffset) => {
      positions.set(partition, nextOffset);
      moved();
    },
    onPositionJump: ({ assignmentId, partition, foundOffset }) => {
      positions.set(partition, foundOffset);
      consumer.resumeAt(assignmentId, partition, foundOffset);
    },
    onCrash: (error) => options.onCrash(error),
  });

  const until = async (isSatisfied: () => boolean, deadlineMs: number): Promise<void> => {
    if (isSatisfied()) return;
    let waiter: (() => boolean) | undefined;
    const satisfied = new Promise<void>((resolve, reject) => {
      waiter = () => {
        if (isStopped) reject(new Error('the view was stopped'));
        else if (isSatisfied()) resolve();
        else return false;
        return true;
      };
      waiters.add(waiter);
    });
    try {
      await within(satisfied, deadlineMs, `reading ${topic}`);
    } catch (error) {
      throw new DocketError('not_caught_up', `${topic} has not been read to its end.`, { cause: error });
    } finally {
      if (waiter !== undefined) waiters.delete(waiter);
    }
  };

  const refresh = async (deadlineMs: number): Promise<void> => {
    const ranges = await fetchTopicOffsets(kafka, topic, deadlineMs);
    const targets = new Map(ranges.map(({ partition, end }) => [partition, end]));
    await until(() => hasReached(targets), deadlineMs);
  };

  /** A view that has stopped reading cannot tell by itself: nothing comes, as when nothing changes. */
  const proveWhole = async (): Promise<void> => {
    const askedAtMs = performance.now();
    try {
      await refresh(proofDeadlineMs);
      wholeAtMs = Math.max(wholeAtMs, askedAtMs);
    } catch (error) {
      kafka.logger.debug({ err: error, topic }, 'view.not_proven_whole');
    }
  };

  return {
    start: () => {
      wholeAtMs = performance.now();
      ageTimer ??= setInterval(() => {
        proving ??= proveWhole().finally(() => (proving = undefined));
      }, ageIntervalMs);
      consumer.start();
    },
    stop: async () => {
      isStopped = true;
      clearInterval(ageTimer);
      moved();
      await consumer.stop();
      await proving;
    },
    isCaughtUp: () => isCaughtUp,
    ageMs: () => performance.now() - wholeAtMs,
    waitUntilCaughtUp: (deadlineMs) => until(() => isCaughtUp, deadlineMs),
    refresh,
    waitUntilReached: (partition, endOffset, deadlineMs) =>
      until(() => (positions.get(partition) ?? 0) >= endOffset, deadlineMs),
  };
}
