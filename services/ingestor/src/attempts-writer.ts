import { setTimeout as pause } from 'node:timers/promises';
import { createBlock, insertBlock, type Block, type BlockColumn, type ClickHouse } from '@docket/clickhouse';
import { createDeliveryAttemptDecoder, unframeAvro, type DeliveryAttempt, type LogRecord } from '@docket/event';
import {
  createPartitionConsumer,
  fetchCommittedOffsets,
  fetchTopicOffsets,
  type Assignment,
  type KafkaClient,
  type PartitionBatch,
  type PartitionConsumer,
  type SchemaRegistry,
} from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { backoffMs } from './backoff-policy.ts';
import { monthOf } from './block-queue.ts';
import type { IngestorMetrics } from './metrics.ts';

const columns: readonly BlockColumn<keyof DeliveryAttempt>[] = [
  { name: 'attempt_id', type: 'UUID' },
  { name: 'tenant_id', type: 'String' },
  { name: 'subscription_id', type: 'String' },
  { name: 'from_seq', type: 'UInt64' },
  { name: 'to_seq', type: 'UInt64' },
  { name: 'event_count', type: 'UInt32' },
  { name: 'body_bytes', type: 'UInt32' },
  { name: 'try', type: 'UInt32' },
  { name: 'started_at', type: "DateTime64(3, 'UTC')" },
  { name: 'duration_ms', type: 'UInt32' },
  { name: 'outcome', type: 'String' },
  { name: 'http_status', type: 'UInt16' },
  { name: 'error', type: 'String' },
  { name: 'answer_excerpt', type: 'String' },
];

type AttemptDecoder = ReturnType<typeof createDeliveryAttemptDecoder>;

interface AttemptPorts {
  readonly kafka: KafkaClient;
  readonly clickhouse: ClickHouse;
  readonly registry: SchemaRegistry;
  readonly groupId: string;
  readonly logger: Logger;
  readonly metrics: IngestorMetrics;
  onCrash(error: Error): void;
}

/**
 * Copies audit.delivery.attempts into delivery_attempts, at least once: positions are the group's committed offsets, and a row
 * that is written twice becomes one. In a consumer group of its own, so that a storm of deliveries cannot delay the log.
 */
export function createAttemptsWriter(ports: AttemptPorts): Pick<PartitionConsumer, 'start' | 'stop'> {
  const { kafka, clickhouse, groupId, logger, metrics } = ports;
  const topic = kafka.topics.attempts.name;
  const decoders = new Map<number, AttemptDecoder>();
  const stopping = new AbortController();
  const { signal } = stopping;

  const consumer = createPartitionConsumer(kafka, {
    groupId,
    topic,
    onAssigned: (assignment) => void begin(assignment),
    onBatch: store,
    // Attempts may be lost to retention while ClickHouse is away; the log is what must not jump.
    onPositionJump: ({ assignmentId, partition, foundOffset }) =>
      void consumer.resumeAt(assignmentId, partition, foundOffset),
    onCrash: (error) => ports.onCrash(error),
  });

  async function begin(assignment: Assignment): Promise<void> {
    for (let failures = 0; consumer.assignment()?.id === assignment.id && !signal.aborted; failures += 1) {
      try {
        const committed = await fetchCommittedOffsets(kafka, groupId, topic);
        for (const { partition, earliest } of await fetchTopicOffsets(kafka, topic)) {
          consumer.resumeAt(assignment.id, partition, Math.max(earliest, committed.get(partition) ?? 0));
        }
        return;
      } catch (error) {
        logger.warn({ err: error }, 'attempts.not_prepared');
        await pause(backoffMs(failures, Math.random()), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async function store(batch: PartitionBatch): Promise<void> {
    // An insert goes to one table partition, which is a month.
    const blocks = new Map<number, Block<DeliveryAttempt>>();
    for (const record of batch.records) {
      const attempt = await decode(record);
      if (attempt === undefined) metrics.unreadableAttempts.inc();
      else blockOf(blocks, monthOf(attempt.started_at)).append(attempt);
    }
    for (const [month, block] of blocks) {
      const token = `attempts/${batch.assignmentId}/${batch.partition}/${batch.fetchedOffset}/${month}`;
      if (!(await insert(block, token, batch.assignmentId))) return;
    }
    consumer.commit(batch.assignmentId, batch.partition, batch.lastOffset + 1);
  }

  /** False when the assignment has ended meanwhile: whoever has the partition now reads it again. */
  async function insert(block: Block<DeliveryAttempt>, token: string, assignmentId: string): Promise<boolean> {
    for (let failures = 0; !signal.aborted && consumer.assignment()?.id === assignmentId; failures += 1) {
      const outcome = await insertBlock(clickhouse, { table: 'delivery_attempts', block, token, signal });
      if (outcome.ok) return true;
      const { reason, code, message } = outcome;
      logger.warn({ rows: block.rows, reason, code, detail: message, failures }, 'attempts.not_inserted');
      await pause(backoffMs(failures, Math.random()), undefined, { signal }).catch(() => undefined);
    }
    return false;
  }

  /** Undefined for bytes that are no attempt: only our own delivery service writes this topic, so there is nothing to keep. */
  async function decode({ value, partition, offset }: LogRecord): Promise<DeliveryAttempt | undefined> {
    try {
      const framed = value === null ? undefined : unframeAvro(value);
      if (framed?.ok !== true) throw new Error('it is not framed Avro');
      return (await decoderOf(framed.schemaId))(framed.body);
    } catch (error) {
      logger.error({ partition, offset, err: error }, 'attempt.unreadable');
      return undefined;
    }
  }

  async function decoderOf(schemaId: number): Promise<AttemptDecoder> {
    const known = decoders.get(schemaId);
    if (known !== undefined) return known;
    const found = await ports.registry.schemaById(schemaId);
    if (!found.ok) throw new Error(`the registry does not give schema ${schemaId}: ${found.reason}`);
    const decoder = createDeliveryAttemptDecoder(found.schema);
    decoders.set(schemaId, decoder);
    return decoder;
  }

  return {
    start: () => consumer.start(),
    async stop() {
      stopping.abort();
      await consumer.stop();
    },
  };
}

function blockOf(blocks: Map<number, Block<DeliveryAttempt>>, month: number): Block<DeliveryAttempt> {
  const known = blocks.get(month);
  if (known !== undefined) return known;
  const made = createBlock<DeliveryAttempt>(columns);
  blocks.set(month, made);
  return made;
}
