import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Producer, RecordMetadata, Transaction } from 'kafkajs';
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

/** Topics with a single writer have one partition: their order is the order of everything. */
const partition = 0;

/** `endOffset`: one more than the offset of the last record; a view that has reached it (`waitUntilReached`) has read the write. */
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
   * Writes all records, at least one and of one partition, in one transaction. Readers see them a moment after it resolves: Kafka writes the
   * transaction's marker after its answer. Writes are serialised. Deadline 15 s. Never rejects.
   */
  write(records: readonly TransactionalRecord[]): Promise<WriteOutcome>;
  stop(): Promise<void>;
}

const writeDeadlineMs = 15_000;
/** A writer that dies in a transaction holds back every reader this long, unless its successor comes earlier. */
const transactionTimeoutMs = 10_000;
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

  const commit = async (records: readonly TransactionalRecord[]): Promise<number> => {
    const ready = await acquired();
    const transaction = await ready.transaction();
    try {
      const [answer] = await sendOnceCommitted(transaction, options.topic, records);
      if (answer?.baseOffset === undefined) throw new Error('Kafka answered without naming the partition');
      await transaction.commit();
      return Number(answer.baseOffset) + records.length;
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
    write: async (records) => {
      assert(records.length > 0, 'a transaction needs a record');
      const written = await serialised(() => commit(records));
      return written.ok ? { ok: true, endOffset: written.value } : written;
    },
    stop: async () => {
      await tail;
      await drop();
    },
  };
}

/**
 * Sends as soon as the transaction before is complete. Kafka answers a commit before it has written the markers; until then the request
 * that opens the next transaction is refused, and nothing of it has been sent.
 */
async function sendOnceCommitted(
  transaction: Transaction,
  topic: string,
  records: readonly TransactionalRecord[],
): Promise<RecordMetadata[]> {
  const messages = records.map(({ key, value }) => ({ key, value, partition }));
  for (let tries = 1; ; tries += 1) {
    try {
      return await transaction.send({ topic, acks: -1, messages });
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
