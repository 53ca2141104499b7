import { randomUUID } from 'node:crypto';
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
import { createJointWrite } from './joint-write.ts';
import type { IngestorMetrics } from './metrics.ts';
import { storeAttempts, type AttemptsAnswer } from './store-attempts.ts';

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

/**
 * The broker gathers attempts for so long, or so many: ClickHouse takes a thousand rows for the price of one, and merges every insert later. Who looks at
 * attempts waits a second for the last ones.
 */
const gathering = { minBytes: 512 * 1024, maxWaitMs: 1_000 } as const;

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
    ...gathering,
    onAssigned: (assignment) => void begin(assignment),
    onBatch: store,
    // Attempts may be lost to retention while ClickHouse is away; the log is what must not jump.
    onPositionJump: ({ assignmentId, partition, foundOffset }) =>
      void consumer.resumeAt(assignmentId, partition, foundOffset),
    onCrash: (error) => ports.onCrash(error),
  });

  async function begin(assignment: Assignment): Promise<void> {
    for (let failures = 0; isAssigned(assignment.id); failures += 1) {
      try {
        const committed = await fetchCommittedOffsets(kafka, groupId, topic);
        for (const { partition, earliest } of await fetchTopicOffsets(kafka, topic)) {
          consumer.resumeAt(assignment.id, partition, Math.max(earliest, committed.get(partition) ?? 0));
        }
        return;
      } catch (error) {
        logger.warn({ err: error }, 'attempts.not_prepared');
        await backOff(failures);
      }
    }
  }

  /** The partitions of a fetch come at once. */
  const storeTogether = createJointWrite(async (assignmentId, attempts: readonly DeliveryAttempt[]) => {
    // An insert goes to one table partition, which is a month.
    const months = new Set(attempts.map(({ started_at: startedAt }) => monthOf(startedAt)));
    for (const month of months) {
      const part = attempts.filter(({ started_at: startedAt }) => monthOf(startedAt) === month);
      const isDone = await storeAttempts(part, { insert: (some) => insert(some, assignmentId), onRefused });
      if (!isDone) return false;
    }
    return true;
  });

  async function store(batch: PartitionBatch): Promise<void> {
    const attempts: DeliveryAttempt[] = [];
    for (const record of batch.records) {
      const attempt = await decode(record, batch.assignmentId);
      if (attempt === 'given_up') return;
      if (attempt === 'unreadable') metrics.unreadableAttempts.inc();
      else attempts.push(attempt);
    }
    const isDone = await storeTogether(batch.assignmentId, attempts);
    if (isDone) consumer.commit(batch.assignmentId, batch.partition, batch.lastOffset + 1);
  }

  function onRefused(attempt: DeliveryAttempt, detail: string): void {
    metrics.refusedAttempts.inc();
    const { attempt_id: attemptId, subscription_id: subscriptionId, tenant_id: tenantId } = attempt;
    logger.error(
      { attempt_id: attemptId, subscription_id: subscriptionId, tenant_id: tenantId, detail },
      'attempt.refused',
    );
  }

  /** Ends the assignment's work when it has ended itself meanwhile: whoever has the partition now reads it again. */
  async function insert(attempts: readonly DeliveryAttempt[], assignmentId: string): Promise<AttemptsAnswer> {
    const block = blockOf(attempts);
    if (block.kind === 'refused') return { kind: 'refused', detail: block.detail };
    for (let failures = 0; isAssigned(assignmentId); failures += 1) {
      // A token of its own for every try: a second copy becomes one row, and a token proves nothing (docs/decisions/0011).
      const insertion = { table: 'delivery_attempts', block: block.rows, token: randomUUID(), signal };
      const outcome = await insertBlock(clickhouse, insertion);
      if (outcome.ok) return { kind: 'stored' };
      const { reason, code, message } = outcome;
      logger.warn({ rows: attempts.length, reason, code, detail: message, failures }, 'attempts.not_inserted');
      if (reason === 'refused') return { kind: 'refused', detail: `Code ${code}: ${message}` };
      await backOff(failures);
    }
    return { kind: 'given_up' };
  }

  const isAssigned = (assignmentId: string): boolean => !signal.aborted && consumer.assignment()?.id === assignmentId;

  /** `unreadable`: bytes that are no attempt. Only our own delivery service writes this topic, so there is nothing to keep. */
  async function decode(
    { value, partition, offset }: LogRecord,
    assignmentId: string,
  ): Promise<DeliveryAttempt | 'unreadable' | 'given_up'> {
    try {
      const framed = value === null ? undefined : unframeAvro(value);
      if (framed?.ok !== true) throw new Error('it is not framed Avro');
      const decoder = decoders.get(framed.schemaId) ?? (await decoderFor(framed.schemaId, assignmentId));
      return decoder === undefined ? 'given_up' : decoder(framed.body);
    } catch (error) {
      logger.error({ partition, offset, err: error }, 'attempt.unreadable');
      return 'unreadable';
    }
  }

  /** Waits for the registry as long as the assignment lasts: nothing is unreadable because a server is down. */
  async function decoderFor(schemaId: number, assignmentId: string): Promise<AttemptDecoder | undefined> {
    for (let failures = 0; isAssigned(assignmentId); failures += 1) {
      const found = await ports.registry.schemaById(schemaId);
      if (found.ok) {
        const decoder = createDeliveryAttemptDecoder(found.schema);
        decoders.set(schemaId, decoder);
        return decoder;
      }
      if (found.reason === 'unknown') throw new Error(`the registry has no schema ${schemaId}`);
      logger.warn({ schema_id: schemaId, failures }, 'attempts.registry_unreachable');
      await backOff(failures);
    }
    return undefined;
  }

  async function backOff(failures: number): Promise<void> {
    await pause(backoffMs(failures, Math.random()), undefined, { signal }).catch(() => undefined);
  }

  return {
    start: () => consumer.start(),
    async stop() {
      stopping.abort();
      await consumer.stop();
    },
  };
}

/** Avro has no UUID and no unsigned numbers, so an attempt may hold what no column takes. */
function blockOf(
  attempts: readonly DeliveryAttempt[],
):
  | { readonly kind: 'block'; readonly rows: Block<DeliveryAttempt> }
  | { readonly kind: 'refused'; readonly detail: string } {
  const rows = createBlock<DeliveryAttempt>(columns);
  try {
    for (const attempt of attempts) rows.append(attempt);
    return { kind: 'block', rows };
  } catch (error) {
    return { kind: 'refused', detail: error instanceof Error ? error.message : String(error) };
  }
}
