import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload } from 'kafkajs';

import { pauseFor, within } from './deadline.ts';
import { createFetchRetries } from './fetch-retries.ts';
import type { UnreadableBatch } from './fetch/fetched-part.ts';
import { fetchedOffsetOf, fetchedPartOf } from './fetched-batch.ts';
import { disconnectQuietly, kafkajsOf } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';
import { isOverForNow } from './kafka-errors.ts';
import type {
  Assignment,
  PartitionBatch,
  PartitionConsumer,
  PartitionConsumerOptions,
  PositionJump,
} from './partition-consumer-contract.ts';
import { judgeFetch, judgePassed } from './position-policy.ts';
import type { Position } from './position-policy.ts';
import type { Commit } from './topic-offsets.ts';
import { allTopics } from './topics.ts';

const reconnectDelayMs = 1_000;
const commitIntervalMs = 1_000;
const heartbeatIntervalMs = 1_000;
const stopDeadlineMs = 10_000;
/** Brokers’ default message.max.bytes: a larger batch comes only when its partition happens to be the first of a fetch (KIP-74). */
const defaultBatchBytesMax = 1_048_588;
/** A rebalance waits this long for members that are busy. */
const rebalanceTimeoutMs = 20_000;
/**
 * kafkajs fetches again when all batches of a fetch are done. A handler that takes longer than this is left alone with its partition
 * paused, so that one slow partition holds up neither the others nor the heartbeats.
 */
const patienceMs = 50;

/**
 * A member of a consumer group that never trusts committed offsets: whoever owns the data says where each partition begins.
 * Isolation is read_committed. Positions are checked at every fetch (design: I2, I4).
 */
export function createPartitionConsumer(kafka: KafkaClient, options: PartitionConsumerOptions): PartitionConsumer {
  const { topic, paceMs = 0 } = options;
  const isCompacted = allTopics(kafka.topics).some((declared) => declared.name === topic && declared.isCompacted);
  const positions = new Map<number, Position>();
  const commits = new Map<number, Commit>();
  /** Partitions whose handler is still at work: nothing more is handed out for them. `left alone`: and kafkajs does not fetch them. */
  const busy = new Map<number, 'awaited' | 'left alone'>();
  /** Partitions whose next batch cannot be read; busy and left alone while they wait. */
  const retries = createFetchRetries();
  let current: Assignment | undefined;
  let consumer: Consumer | undefined;
  let starting: Promise<void> | undefined;
  let commitTimer: NodeJS.Timeout | undefined;
  let pace: Promise<void> | undefined;
  let isStopped = false;

  const lose = (): void => {
    const lost = current;
    current = undefined;
    positions.clear();
    commits.clear();
    busy.clear();
    retries.clear();
    if (lost !== undefined) options.onLost?.(lost.id);
  };

  const join = (joined: Consumer, partitions: readonly number[]): void => {
    lose();
    // Synchronously, before the first fetch: an awaited pause would fetch the place that the group remembers.
    if (partitions.length > 0) joined.pause([{ topic, partitions: [...partitions] }]);
    current = { id: randomUUID(), partitions };
    kafka.logger.info({ topic, groupId: options.groupId, assignmentId: current.id, partitions }, 'consumer.assigned');
    options.onAssigned(current);
  };

  const jump = (partition: number, position: Position, foundOffset: number): void => {
    if (current === undefined) return;
    positions.set(partition, { ...position, isOpen: false });
    consumer?.pause([{ topic, partitions: [partition] }]);
    const found: PositionJump = {
      assignmentId: current.id,
      partition,
      expectedOffset: position.nextOffset,
      foundOffset,
    };
    kafka.logger.error({ topic, ...found }, 'consumer.position_jumped');
    options.onPositionJump(found);
  };

  /** kafkajs fetches again when all partitions of a fetch are done: they share this. */
  const startPace = (): Promise<void> | undefined => {
    if (paceMs === 0) return undefined;
    pace ??= pauseFor(paceMs).finally(() => {
      pace = undefined;
    });
    return pace;
  };

  const handle = async (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload;
    const { partition } = batch;
    const fetchedOffset = fetchedOffsetOf(batch);
    const position = positions.get(partition);
    const verdict = judgeFetch(position, { fetchedOffset, isStale: payload.isStale() });
    if (current === undefined || position === undefined || busy.has(partition) || verdict === 'drop') return;
    if (verdict === 'jump') return jump(partition, position, fetchedOffset);
    if (verdict === 'rewind') {
      positions.set(partition, { ...position, rewinds: position.rewinds + 1 });
      return consumer?.seek({ topic, partition, offset: String(position.nextOffset) });
    }
    const part = fetchedPartOf(batch);
    if (part.kind === 'unreadable') return waitAndRetry(current.id, partition, part.batch);
    retries.succeeded(partition);
    const { records, lastOffset } = part;
    const assignmentId = current.id;
    positions.set(partition, { ...position, nextOffset: lastOffset + 1, rewinds: 0 });
    payload.resolveOffset(batch.lastOffset());
    const highWatermark = Number(batch.highWatermark);
    const end = { assignmentId, partition, nextOffset: lastOffset + 1 };
    busy.set(partition, 'awaited');
    const paced = startPace();
    const handled = hand({ assignmentId, partition, fetchedOffset, records, lastOffset, highWatermark }, end);
    if (handled === undefined || (await isOverWithin(handled, patienceMs)) || current?.id !== assignmentId)
      return paced;
    busy.set(partition, 'left alone');
    consumer?.pause([{ topic, partitions: [partition] }]);
  };

  /** Nothing is resolved, so that the next fetch begins where this one did. */
  const waitAndRetry = (assignmentId: string, partition: number, batch: UnreadableBatch): void => {
    busy.set(partition, 'left alone');
    consumer?.pause([{ topic, partitions: [partition] }]);
    const retry = retries.schedule(partition, () => {
      busy.delete(partition);
      if (positions.get(partition)?.isOpen === true) consumer?.resume([{ topic, partitions: [partition] }]);
    });
    kafka.logger.error({ topic, partition, ...batch, ...retry }, 'consumer.batch_unreadable');
    options.onUnreadable?.({ assignmentId, partition, batch, ...retry });
  };

  /** Never rejects. Undefined: the handler is done already, which costs no timer. */
  const hand = (batch: PartitionBatch, end: HandedEnd): Promise<void> | undefined => {
    // A bug of the handler. kafkajs would go on behind the batch, so nothing goes on.
    const crash = (error: unknown): void => {
      lose();
      options.onCrash(error instanceof Error ? error : new Error(String(error)));
    };
    try {
      const handling = options.onBatch(batch);
      if (handling !== undefined) return handling.catch(crash).then(() => handed(end));
    } catch (error) {
      crash(error);
    }
    handed(end);
    return undefined;
  };

  const handed = ({ assignmentId, partition, nextOffset }: HandedEnd): void => {
    // Of another assignment: whatever it did there is dropped, and this partition may be busy with a batch of the present one.
    if (current?.id !== assignmentId) return;
    const wasLeftAlone = busy.get(partition) === 'left alone';
    busy.delete(partition);
    const position = positions.get(partition);
    if (wasLeftAlone && position?.isOpen === true) consumer?.resume([{ topic, partitions: [partition] }]);
    if (position?.nextOffset === nextOffset) options.onPosition?.(partition, nextOffset);
  };

  const passOver = (partition: number, firstOffset: string | null, lastOffset: number): void => {
    const position = positions.get(partition);
    const passed = { firstOffset: firstOffset === null ? undefined : Number(firstOffset), lastOffset };
    const verdict = judgePassed(position, passed, isCompacted);
    if (position === undefined || busy.has(partition) || verdict === 'ignore') return;
    if (verdict === 'jump') return jump(partition, position, passed.firstOffset ?? lastOffset);
    positions.set(partition, { ...position, nextOffset: lastOffset + 1, rewinds: 0 });
    options.onPosition?.(partition, lastOffset + 1);
  };

  const listen = (made: Consumer): void => {
    made.on(made.events.GROUP_JOIN, ({ payload }) => join(made, payload.memberAssignment[topic] ?? []));
    made.on(made.events.REBALANCING, lose);
    made.on(made.events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) passOver(payload.partition, payload.firstOffset, Number(payload.lastOffset));
    });
    made.on(made.events.CRASH, ({ payload }) => {
      lose();
      if (isOverForNow(payload.error)) return restart(payload.error);
      kafka.logger.error({ err: payload.error, topic }, 'consumer.crashed');
      options.onCrash(payload.error);
    });
  };

  const restart = (error: Error): void => {
    kafka.logger.warn({ err: error, topic }, 'consumer.restarting');
    const ended = starting;
    const again = async (): Promise<void> => {
      await ended;
      if (isWanted()) await pauseFor(reconnectDelayMs);
      await connect();
    };
    starting = again();
  };

  const isWanted = (): boolean => !isStopped;

  const connect = async (): Promise<void> => {
    while (isWanted()) {
      const made = makeConsumer(kafka, options);
      try {
        await made.connect();
        await made.subscribe({ topics: [topic], fromBeginning: true });
        if (isStopped) throw new Error('stopped while connecting');
        listen(made);
        consumer = made;
        await made.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          // A handler that waits must not keep the others of the same fetch waiting.
          partitionsConsumedConcurrently: 32,
          eachBatch: handle,
        });
        // kafkajs does not stop a consumer that is still joining.
        if (isStopped) await disconnectQuietly(kafka, 'a consumer', () => made.disconnect());
        return;
      } catch (error) {
        kafka.logger.warn({ err: error, topic }, 'consumer.connect_failed');
        consumer = undefined;
        await disconnectQuietly(kafka, 'a consumer', () => made.disconnect());
        if (!isStopped) await pauseFor(reconnectDelayMs);
      }
    }
  };

  const flushCommits = (): void => {
    if (consumer === undefined || commits.size === 0) return;
    const offsets = [...commits].map(([partition, { offset, note }]) => {
      return { topic, partition, offset: String(offset), metadata: note };
    });
    commits.clear();
    consumer
      .commitOffsets(offsets)
      .catch((error: unknown) => kafka.logger.debug({ err: error, topic }, 'consumer.commit_failed'));
  };

  const isPresent = (assignmentId: string, partition: number): boolean =>
    current?.id === assignmentId && current.partitions.includes(partition);

  return {
    start: () => {
      starting ??= connect();
      commitTimer ??= setInterval(flushCommits, commitIntervalMs);
    },
    stop: async () => {
      isStopped = true;
      clearInterval(commitTimer);
      flushCommits();
      lose();
      const leaving = consumer;
      const left = async (): Promise<void> => {
        await leaving?.disconnect();
        await starting;
      };
      await within(left(), stopDeadlineMs, 'leaving the group').catch((error: unknown) =>
        kafka.logger.warn({ err: error, topic }, 'consumer.left_late'),
      );
    },
    assignment: () => current,
    resumeAt: (assignmentId, partition, offset) => {
      if (consumer === undefined || !isPresent(assignmentId, partition)) return false;
      positions.set(partition, { nextOffset: offset, isOpen: true, rewinds: 0 });
      if (retries.cancel(partition)) busy.delete(partition);
      consumer.seek({ topic, partition, offset: String(offset) });
      if (busy.get(partition) !== 'left alone') consumer.resume([{ topic, partitions: [partition] }]);
      return true;
    },
    pause: (assignmentId, partition) => setOpen(assignmentId, partition, false),
    resume: (assignmentId, partition) => setOpen(assignmentId, partition, true),
    commit: (assignmentId, partition, nextOffset, note = '') => {
      if (isPresent(assignmentId, partition)) commits.set(partition, { offset: nextOffset, note });
    },
  };

  function setOpen(assignmentId: string, partition: number, isOpen: boolean): boolean {
    const position = positions.get(partition);
    if (consumer === undefined || position === undefined || !isPresent(assignmentId, partition)) return false;
    positions.set(partition, { ...position, isOpen });
    if (!isOpen || busy.get(partition) !== 'left alone')
      consumer[isOpen ? 'resume' : 'pause']([{ topic, partitions: [partition] }]);
    return true;
  }
}

function makeConsumer(kafka: KafkaClient, options: PartitionConsumerOptions): Consumer {
  return kafkajsOf(kafka, { requestTimeoutMs: 10_000, retries: 5 }).consumer({
    groupId: options.groupId,
    sessionTimeout: options.sessionTimeoutMs ?? 6_000,
    rebalanceTimeout: rebalanceTimeoutMs,
    heartbeatInterval: heartbeatIntervalMs,
    maxWaitTimeInMs: options.maxWaitMs ?? 100,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
    maxBytesPerPartition: options.maxBytesPerPartition ?? defaultBatchBytesMax,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    // By itself kafkajs would restart from a timer that nobody can wait for, also after it was told to stop.
    retry: { retries: 5, restartOnFailure: () => Promise.resolve(false) },
  });
}

interface HandedEnd {
  readonly assignmentId: string;
  readonly partition: number;
  readonly nextOffset: number;
}

async function isOverWithin(work: Promise<void>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
