import type { Producer, RecordMetadata } from 'kafkajs';

import { DeadlineError, pauseFor, within } from './deadline.ts';
import { disconnectQuietly, kafkajsOf } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { BatchMessage } from './produce/produce-request.ts';
import { encodeRecordBatch } from './produce/record-batch-encoder.ts';
import { takeGroups } from './publish-lanes.ts';
import type { Entry, Group, Lane } from './publish-lanes.ts';
import { sendAlone } from './send-alone.ts';
import type { SendPorts } from './send-alone.ts';

const limits = { partitionBytesMax: 900 * 1024, partitionRecordsMax: 10_000, requestBytesMax: 16 * 1024 * 1024 };

/** The broker waits this long for its replicas, … */
const ackTimeoutMs = 3_000;
/** … a little later the request has failed, … */
const requestTimeoutMs = 4_000;
/** … and a try that is not over by then (connecting, metadata and request) is given up together with its connections. */
const tryDeadlineMs = 12_000;

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

  const sending: SendPorts = { trySend, release, logger: kafka.logger };

  const send = async (groups: readonly Group[]): Promise<void> => {
    const error = await trySend(groups);
    const unsent = groups.filter(({ entries }) => entries.length > 0);
    for (const group of groups) if (!unsent.includes(group)) group.lane.isBusy = false;
    schedule(0);
    await Promise.all(
      unsent.map(async (group) => {
        await sendAlone(group, error ?? new Error('not acknowledged'), groups.length === 1, sending);
        group.lane.isBusy = false;
        schedule(0);
      }),
    );
  };

  const pump = (): void => {
    timer = undefined;
    const groups = takeGroups(lanes.values(), limits);
    if (groups.length === 0) return;
    const sent = send(groups).finally(() => underWay.delete(sent));
    underWay.add(sent);
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
