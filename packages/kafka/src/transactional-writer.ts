import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Message, Producer, RecordMetadata, Transaction } from 'kafkajs';
import { DocketError } from '@docket/runtime';

import { within } from './deadline.ts';
import { isFenced, isStillCommitting, kafkaUnavailable } from './kafka-errors.ts';
import { disconnectQuietly, kafkajsOf } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';

export interface TransactionalWriterOptions {
  /** One writer a transactional id: a later one fences the earlier. */
  readonly transactionalId: string;
  readonly topic: string;
  /**
   * Awaited after this writer has become the one writer and before its next write, also when it was rebuilt after an error: another writer may have
   * written in between, so read the topic to its end here. A rejection fails that write.
   */
  onAcquired?(): Promise<void>;
  /** Another writer has taken over; this one never writes again. */
  onFenced(error: Error): void;
}

export interface TransactionalRecord {
  readonly key: string;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
}

/** A record of another topic that is written in the same transaction: both are there, or neither is. */
export interface BesideRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, Buffer>>;
}

/** Topics with a single writer have one partition: their order is the order of everything. */
const partition = 0;

/** `endOffset`: one more than the offset of the last record of the writer's topic, 0 without one; a view that has reached it (`waitUntilReached`) has read the write. */
export type WriteOutcome = { readonly ok: true; readonly endOffset: number } | WriterFailure;

export type WriterFailure =
  /** unavailable: not known to be written; it may still appear, so read before writing again · fenced: another writer has taken over. */
  { readonly ok: false; readonly reason: 'unavailable' | 'fenced'; readonly error: Error };

export interface TransactionalWriter {
  /**
   * Becomes the one writer: fences earlier ones, and waits until what they left open is committed or aborted, so that reading the topic to
   * its end then shows all that they wrote. Never rejects; `ok: false` as for `write`.
   */
  acquire(): Promise<{ readonly ok: true } | WriterFailure>;
  /**
   * Writes all records, and those beside them in other topics, at least one in all, in one transaction: readers of committed records see all of them or
   * none. They see them a moment after it resolves: Kafka writes the transaction's markers after its answer. Until then the partitions of all of them
   * show nothing newer, so keep transactions short. Writes are serialised. Deadline 15 s. Never rejects.
   */
  write(records: readonly TransactionalRecord[], beside?: readonly BesideRecord[]): Promise<WriteOutcome>;
  stop(): Promise<void>;
}

const writeDeadlineMs = 15_000;
/** A writer that dies in a transaction holds back every reader this long, unless its successor comes earlier. */
const transactionTimeoutMs = 10_000;
/** Of one request: Kafka takes batches of 1 MiB unless told otherwise. */
const sendBytesMax = 512 * 1024;
/** Markers are written within milliseconds; after 5 s something else is wrong. */
const committingPauseMs = 20;
const committingTriesMax = 250;

/**
 * The single writer of a topic (KIP-98). After any error the transaction is aborted, the producer dropped, and the next write begins with a new
 * producer epoch: kafkajs reuses sequence numbers after errors, which is harmless only when nothing of that transaction survives.
 */
export function createTransactionalWriter(
  kafka: KafkaClient,
  options: TransactionalWriterOptions,
): TransactionalWriter {
  let producer: Producer | undefined;
  let fencedBy: Error | undefined;
  let tail: Promise<unknown> = Promise.resolve();

  const drop = async (): Promise<void> => {
    const dropped = producer;
    producer = undefined;
    if (dropped !== undefined) await disconnectQuietly(kafka, 'the transactional producer', () => dropped.disconnect());
  };

  const acquired = async (): Promise<Producer> => {
    if (producer !== undefined) return producer;
    const made = makeProducer(kafka, options.transactionalId);
    producer = made;
    await made.connect();
    // The first transaction asks for the producer epoch, which fences; an empty one ends without a request.
    await (await made.transaction()).abort();
    await options.onAcquired?.();
    return made;
  };

  const commit = async (records: readonly TransactionalRecord[], beside: readonly BesideRecord[]): Promise<number> => {
    const ready = await acquired();
    const transaction = await ready.transaction();
    try {
      const [first, ...others] = sendsOf(options.topic, records, beside);
      const [answer] = await sendOnceCommitted(transaction, first);
      let end = endOf(answer, first);
      for (const send of others) {
        const [sent] = await transaction.send(send);
        if (send.topic === options.topic) end = endOf(sent, send);
      }
      await transaction.commit();
      return records.length === 0 ? 0 : end;
    } catch (error) {
      if (transaction.isActive() && !isFenced(error)) await transaction.abort().catch(() => undefined);
      throw error;
    }
  };

  const attempt = async <T>(work: () => Promise<T>): Promise<{ ok: true; value: T } | WriterFailure> => {
    if (fencedBy !== undefined) return { ok: false, reason: 'fenced', error: fencedBy };
    try {
      return { ok: true, value: await within(work(), writeDeadlineMs, `a transaction on ${options.topic}`) };
    } catch (error) {
      await drop();
      if (!isFenced(error))
        return { ok: false, reason: 'unavailable', error: kafkaUnavailable(`writing to ${options.topic}`, error) };
      fencedBy = new DocketError('writer_fenced', `Another writer of ${options.topic} has taken over.`, {
        cause: error,
      });
      kafka.logger.error({ err: fencedBy, topic: options.topic }, 'writer.fenced');
      options.onFenced(fencedBy);
      return { ok: false, reason: 'fenced', error: fencedBy };
    }
  };

  const serialised = <T>(work: () => Promise<T>): Promise<{ ok: true; value: T } | WriterFailure> => {
    const run = tail.then(() => attempt(work));
    tail = run;
    return run;
  };

  return {
    acquire: async () => {
      const acquisition = await serialised(acquired);
      return acquisition.ok ? { ok: true } : acquisition;
    },
    write: async (records, beside = []) => {
      assert(records.length + beside.length > 0, 'a transaction needs a record');
      const written = await serialised(() => commit(records, beside));
      return written.ok ? { ok: true, endOffset: written.value } : written;
    },
    stop: async () => {
      await tail;
      await drop();
    },
  };
}

function endOf(answer: RecordMetadata | undefined, { messages }: Send): number {
  if (answer?.baseOffset === undefined) throw new Error('Kafka answered without naming the partition');
  return Number(answer.baseOffset) + messages.length;
}

interface Send {
  readonly topic: string;
  readonly acks: -1;
  readonly messages: Message[];
}

/** What is sent one after the other: each has one partition, so that the first one alone opens the transaction. */
function sendsOf(
  topic: string,
  records: readonly TransactionalRecord[],
  beside: readonly BesideRecord[],
): [Send, ...Send[]] {
  const own = records.map(({ key, value }) => ({ topic, message: { key, value, partition } }));
  const others = beside.map(({ topic: other, headers = {}, ...message }) => ({
    topic: other,
    message: { ...message, headers: { ...headers } },
  }));
  const sends: Send[] = [];
  /** The one that is being filled, by partition, and its bytes. */
  const open = new Map<string, { readonly send: Send; bytes: number }>();
  for (const { topic: to, message } of [...own, ...others]) {
    const name = `${to}/${message.partition}`;
    const bytes = message.key.length + (message.value?.length ?? 0);
    let filling = open.get(name);
    if (filling === undefined || filling.bytes + bytes > sendBytesMax) {
      filling = { send: { topic: to, acks: -1, messages: [] }, bytes: 0 };
      open.set(name, filling);
      sends.push(filling.send);
    }
    filling.send.messages.push(message);
    filling.bytes += bytes;
  }
  const [first, ...following] = sends;
  assert(first !== undefined, 'a transaction needs a record');
  return [first, ...following];
}

/**
 * Sends as soon as the transaction before is complete. Kafka answers a commit before it has written the markers; until then the request
 * that opens the next transaction is refused, and nothing of it has been sent. That holds for one partition: of several brokers one could have taken
 * its part before another refuses, and a repetition would double it.
 */
async function sendOnceCommitted(transaction: Transaction, send: Send): Promise<RecordMetadata[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transaction.send(send);
    } catch (error) {
      if (!isStillCommitting(error) || tries === committingTriesMax) throw error;
      await pause(committingPauseMs);
    }
  }
}

function makeProducer(kafka: KafkaClient, transactionalId: string): Producer {
  return kafkajsOf(kafka, { requestTimeoutMs: 5_000, retries: 5 }).producer({
    transactionalId,
    transactionTimeout: transactionTimeoutMs,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    // Transactions are idempotent by themselves; a failed request ends the transaction instead of being repeated.
    retry: { retries: 0 },
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  });
}
