import { partitionOf } from '@docket/event';
import { DocketError } from '@docket/runtime';

import { within } from './deadline.ts';
import { kafkaUnavailable } from './kafka-errors.ts';
import { withAdmin } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';
import { queuedBytesOf } from './publish-lanes.ts';
import type { Entry, Lane, PublishOutcome } from './publish-lanes.ts';
import { createSender } from './publish-sender.ts';

export interface PublishRecord {
  /** Null only with an explicit `partition`. */
  readonly key: string | Buffer | null;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string>>;
  /** Default: murmur2 of the key (partitionOf). */
  readonly partition?: number;
}

export interface PublisherOptions {
  /** From `publish` to the outcome. Default 5,000: the gateway answers 503 within it. */
  readonly deadlineMs?: number;
  /** Records that wait or are under way; above it `publish` answers `overloaded` at once. Default 64 MiB. */
  readonly queueBytesMax?: number;
  /** How long the first record waits for others. Default 2. */
  readonly lingerMs?: number;
}

export interface Publisher {
  /** Begins to connect and returns; a Kafka that is away shows in outcomes, never here. */
  start(): Promise<void>;
  /** Waits for what is under way, at most the deadline, then closes. Later records are rejected. */
  stop(): Promise<void>;
  /**
   * Appends records with acks=all (I1) and gives one outcome a record, in order, within the deadline; never rejects.
   * Order: records of one partition are appended in the order of the calls. At least once: a retry may append a record twice.
   * @param deadlineMs of this call, where it is shorter than the publisher's.
   */
  publish(topic: string, records: readonly PublishRecord[], deadlineMs?: number): Promise<PublishOutcome[]>;
  /** I8: how full the queue is, and whether Kafka takes nothing of it. */
  stats(): PublisherStats;
}

export interface PublisherStats {
  readonly queuedBytes: number;
  readonly queueBytesMax: number;
  /**
   * Something waits, and nothing has been acknowledged for two seconds, or since records were given up: what is published now will wait, too. False while
   * nothing waits, so that the next records find out.
   */
  readonly isStalled: boolean;
}

/** Twice what a broker under load takes; soon enough that little piles up. */
const stalledMs = 2_000;

const defaults = { deadlineMs: 5_000, queueBytesMax: 64 * 1024 * 1024, lingerMs: 2 };

const noHeaders: Readonly<Record<string, never>> = Object.freeze({});

/** Node keeps a list of timers for each duration: of many calls a second most share one. */
const timerGrainMs = 50;

/**
 * Makes a publisher. Records are coalesced for `lingerMs` into one request; each partition has at most one request under way, so a retry
 * never overtakes. Not idempotent: kafkajs' idempotent producer acknowledges records that are not in the log after a cut connection.
 */
export function createPublisher(kafka: KafkaClient, options: PublisherOptions = {}): Publisher {
  const { deadlineMs, queueBytesMax, lingerMs } = { ...defaults, ...options };
  const lanes = new Map<string, Lane>();
  const partitionCounts = new Map<string, Promise<number>>();
  let queuedBytes = 0;
  let isStopped = false;
  /** When something was last acknowledged, or the first of what waits was queued. */
  let quietSinceMs = 0;
  let hasGivenUp = false;

  const noteAcknowledged = (): void => {
    quietSinceMs = performance.now();
    hasGivenUp = false;
  };

  const release = (entries: readonly Entry[]): void => {
    for (const entry of entries) queuedBytes -= entry.bytes;
  };
  const sender = createSender(kafka, { lanes, lingerMs, release, onAcknowledged: noteAcknowledged });

  const partitionCount = (topic: string): Promise<number> => {
    const known = partitionCounts.get(topic);
    if (known !== undefined) return known;
    const asked = countPartitions(kafka, topic, deadlineMs);
    partitionCounts.set(topic, asked);
    asked.catch(() => partitionCounts.delete(topic));
    return asked;
  };

  const laneOf = (topic: string, partition: number): Lane => {
    const name = `${topic}/${partition}`;
    const lane = lanes.get(name) ?? { topic, partition, waiting: [], isBusy: false };
    lanes.set(name, lane);
    return lane;
  };

  /** Queues the records; resolves when every one has its outcome, at the latest when the deadline passes. */
  const enqueue = (
    topic: string,
    records: readonly PublishRecord[],
    sizes: readonly number[],
    { partitions, leftMs, withinMs }: { partitions: number; leftMs: number; withinMs: number },
  ): Promise<PublishOutcome[]> =>
    new Promise((resolve) => {
      const beganAtMs = performance.now();
      const outcomes: PublishOutcome[] = Array.from({ length: records.length });
      let unsettled = records.length;
      const touched = new Set<Lane>();
      const lanesFound: (Lane | undefined)[] = [];
      const entries = records.map((record, index): Entry => {
        const partition = record.partition ?? partitionOf(record.key ?? '', partitions);
        const entry: Entry = {
          record: { key: record.key, value: record.value, headers: record.headers ?? noHeaders },
          bytes: sizes[index] ?? 0,
          isSettled: false,
          settle: (outcome) => {
            if (entry.isSettled) return;
            entry.isSettled = true;
            outcomes[index] = outcome;
            unsettled -= 1;
            if (unsettled > 0) return;
            clearTimeout(timer);
            resolve(outcomes);
          },
        };
        const lane = lanesFound[partition] ?? laneOf(topic, partition);
        lanesFound[partition] = lane;
        touched.add(lane);
        lane.waiting.push(entry);
        return entry;
      });
      const timer = setTimeout(
        () => {
          const error = new DocketError(
            'kafka_unavailable',
            `Kafka did not acknowledge records of ${topic} within ${withinMs} ms.`,
          );
          for (const entry of entries) entry.settle({ ok: false, reason: 'unavailable', error });
          hasGivenUp ||= quietSinceMs <= beganAtMs;
          // What is under way is released when its request ends: until then it is in memory.
          for (const lane of touched) {
            release(lane.waiting.filter((entry) => entry.isSettled));
            lane.waiting = lane.waiting.filter((entry) => !entry.isSettled);
          }
        },
        Math.floor(leftMs / timerGrainMs) * timerGrainMs,
      );
      sender.wake();
    });

  const publish: Publisher['publish'] = async (topic, records, withinMs = deadlineMs) => {
    if (records.length === 0) return [];
    const refuse = (reason: 'overloaded' | 'unavailable' | 'rejected', error: Error): PublishOutcome[] =>
      records.map(() => ({ ok: false, reason, error }));
    if (isStopped) return refuse('rejected', new DocketError('not_ready', 'The publisher is stopped.'));
    if (records.some((record) => record.key === null && record.partition === undefined)) {
      return refuse('rejected', new TypeError('a record without a key needs a partition'));
    }
    const sizes = records.map(({ key, value, headers = noHeaders }) => queuedBytesOf({ key, value, headers }));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (queuedBytes + bytes > queueBytesMax) {
      return refuse(
        'overloaded',
        new DocketError('overloaded', `${queuedBytes} bytes wait for Kafka; the limit is ${queueBytesMax}.`),
      );
    }
    const startedMs = performance.now();
    if (queuedBytes === 0) quietSinceMs = startedMs;
    queuedBytes += bytes;
    let partitions: number;
    try {
      partitions = await partitionCount(topic);
    } catch (error) {
      hasGivenUp = true;
      queuedBytes -= bytes;
      return refuse('unavailable', kafkaUnavailable(`finding the partitions of ${topic}`, error));
    }
    // One deadline from the call to the outcome: what the partitions took is not left for the records.
    const leftMs = Math.min(withinMs, deadlineMs) - (performance.now() - startedMs);
    return enqueue(topic, records, sizes, { partitions, leftMs, withinMs });
  };

  return {
    start: async () => sender.connect(),
    publish,
    stop: async () => {
      isStopped = true;
      await sender.stop(deadlineMs);
    },
    stats: () => ({
      queuedBytes,
      queueBytesMax,
      isStalled: queuedBytes > 0 && (hasGivenUp || performance.now() - quietSinceMs > stalledMs),
    }),
  };
}

/** A topic's partition count never changes while it lives, so it is asked for once. */
async function countPartitions(kafka: KafkaClient, topic: string, deadlineMs: number): Promise<number> {
  const counting = withAdmin(kafka, deadlineMs, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length ?? 0;
  });
  const count = await within(counting, deadlineMs, `finding the partitions of ${topic}`);
  if (count === 0) throw new DocketError('topic_misconfigured', `${topic} has no partitions: run \`docket migrate\`.`);
  return count;
}
