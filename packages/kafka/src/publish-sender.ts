import type { Producer, RecordMetadata } from 'kafkajs';

import { DeadlineError, pauseFor, within } from './deadline.ts';
import { isRetriable, kafkaUnavailable } from './kafka-errors.ts';
import { disconnectQuietly, kafkajsOf } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { BatchMessage } from './produce/produce-request.ts';
import { encodeRecordBatch } from './produce/record-batch-encoder.ts';
import { takeGroups } from './publish-lanes.ts';
import type { Entry, Group, Lane } from './publish-lanes.ts';

const limits = { partitionBytesMax: 900 * 1024, partitionRecordsMax: 10_000, requestBytesMax: 16 * 1024 * 1024 };

/** The broker waits this long for its replicas, … */
const ackTimeoutMs = 3_000;
/** … a little later the request has failed, … */
const requestTimeoutMs = 4_000;
/** … and a try that is not over by then (connecting, metadata and request) is given up together with its connections. */
const tryDeadlineMs = 12_000;

const backoff = { firstMs: 50, maxMs: 500 };

export interface Sender {
  /** Begins to connect in the background. */
  connect(): void;
  /** Something waits in a lane. */
  wake(): void;
  stop(deadlineMs: number): Promise<void>;
}

/** The half of the publisher that talks to Kafka: takes what waits in the lanes, sends it, settles it. */
export function createSender(
  kafka: KafkaClient,
  ports: {
    lanes: Map<string, Lane>;
    lingerMs: number;
    release: (entries: readonly Entry[]) => void;
    /** Kafka has acknowledged something. */
    onAcknowledged: () => void;
  },
): Sender {
  const { lanes, lingerMs, release, onAcknowledged } = ports;
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let producer: { connected: Promise<Producer>; raw: Producer } | undefined;

  const connected = (): Promise<Producer> => {
    if (producer !== undefined) return producer.connected;
    const raw = makeProducer(kafka);
    const made = { raw, connected: raw.connect().then(() => raw) };
    producer = made;
    made.connected.catch(() => {
      if (producer === made) producer = undefined;
    });
    return made.connected;
  };

  const dropProducer = async (): Promise<void> => {
    const dropped = producer?.raw;
    producer = undefined;
    if (dropped !== undefined) await disconnectQuietly(kafka, 'a producer', () => dropped.disconnect());
  };

  const trySend = async (groups: readonly Group[]): Promise<Error | undefined> => {
    try {
      const metadata = await within(
        connected().then((ready) =>
          ready.sendBatch({ acks: -1, timeout: ackTimeoutMs, topicMessages: toTopicMessages(groups) }),
        ),
        tryDeadlineMs,
        'a produce request',
      );
      settleAcknowledged(groups, metadata);
      return groups.some(({ entries }) => entries.length > 0)
        ? new Error('Kafka answered without naming every partition')
        : undefined;
    } catch (error) {
      if (error instanceof DeadlineError) void dropProducer();
      return error instanceof Error ? error : new Error(String(error));
    }
  };

  const settleAcknowledged = (groups: readonly Group[], metadata: readonly RecordMetadata[]): void => {
    for (const { lane, entries } of groups) {
      // kafkajs leaves a partition out when its leader moved to a broker that has already answered: that is not an acknowledgement.
      const answer = metadata.find(
        ({ topicName, partition }) => topicName === lane.topic && partition === lane.partition,
      );
      if (answer?.baseOffset === undefined) continue;
      const baseOffset = Number(answer.baseOffset);
      onAcknowledged();
      release(entries);
      entries
        .splice(0)
        .forEach((entry, index) => entry.settle({ ok: true, partition: lane.partition, offset: baseOffset + index }));
    }
  };

  /** After a failed request each partition goes on alone, so that a sick one fails alone (I7). Ends when nobody waits any more. */
  const sendAlone = async (group: Group, firstError: Error, isItsOwn: boolean): Promise<void> => {
    let error: Error | undefined = firstError;
    let mayReject = isItsOwn;
    for (let delayMs = backoff.firstMs; ; delayMs = Math.min(delayMs * 2, backoff.maxMs)) {
      dropSettled(group);
      if (error === undefined || group.entries.length === 0) return;
      if (mayReject && !isRetriable(error)) {
        const outcome = {
          ok: false,
          reason: 'rejected',
          error: kafkaUnavailable(`publishing to ${group.lane.topic}`, error),
        } as const;
        for (const entry of group.entries) entry.settle(outcome);
        dropSettled(group);
        return;
      }
      kafka.logger.debug({ err: error, topic: group.lane.topic, partition: group.lane.partition }, 'publish.retried');
      await pauseFor(delayMs * (0.5 + Math.random() / 2));
      dropSettled(group);
      if (group.entries.length > 0) error = await trySend([group]);
      mayReject = true;
    }
  };

  const dropSettled = (group: Group): void => {
    release(group.entries.filter((entry) => entry.isSettled));
    const left = group.entries.filter((entry) => !entry.isSettled);
    group.entries.splice(0, group.entries.length, ...left);
  };

  const send = async (groups: readonly Group[]): Promise<void> => {
    const error = await trySend(groups);
    const unsent = groups.filter(({ entries }) => entries.length > 0);
    for (const group of groups) if (!unsent.includes(group)) group.lane.isBusy = false;
    schedule(0);
    await Promise.all(
      unsent.map(async (group) => {
        await sendAlone(group, error ?? new Error('not acknowledged'), groups.length === 1);
        group.lane.isBusy = false;
        schedule(0);
      }),
    );
  };

  const pump = (): void => {
    timer = undefined;
    const groups = takeGroups(lanes.values(), limits);
    if (groups.length === 0) return;
    const sending = send(groups).finally(() => underWay.delete(sending));
    underWay.add(sending);
    // More than one request's worth may wait.
    schedule(0);
  };

  const isBusy = (): boolean => underWay.size > 0 || timer !== undefined;

  const schedule = (delayMs: number): void => {
    if (timer !== undefined) return;
    for (const lane of lanes.values()) {
      if (!lane.isBusy && lane.waiting.length > 0) {
        timer = setTimeout(pump, delayMs);
        return;
      }
    }
  };

  return {
    connect: () => {
      connected().catch((error: unknown) => kafka.logger.warn({ err: error }, 'publisher.connect_failed'));
    },
    wake: () => schedule(lingerMs),
    stop: async (deadlineMs) => {
      const drained = async (): Promise<void> => {
        while (isBusy()) {
          await Promise.all(underWay);
          await pauseFor(1);
        }
      };
      await within(drained(), deadlineMs, 'finishing what is under way').catch((error: unknown) =>
        kafka.logger.warn({ err: error }, 'publisher.stopped_early'),
      );
      clearTimeout(timer);
      await dropProducer();
    },
  };
}

function makeProducer(kafka: KafkaClient): Producer {
  return kafkajsOf(kafka, { requestTimeoutMs, retries: 1 }).producer({
    idempotent: false,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    // Retries are ours: kafkajs' would outlive the deadline and take healthy partitions along.
    retry: { retries: 0 },
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  });
}

function toTopicMessages(groups: readonly Group[]): { topic: string; messages: BatchMessage[] }[] {
  const nowMs = Date.now();
  const byTopic = new Map<string, BatchMessage[]>();
  for (const { lane, entries } of groups) {
    const messages = byTopic.get(lane.topic) ?? [];
    byTopic.set(lane.topic, messages);
    const value = encodeRecordBatch(
      entries.map(({ record }) => record),
      nowMs,
    );
    messages.push({ partition: lane.partition, value, isRecordBatch: true });
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages }));
}
