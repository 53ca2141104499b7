import { encodeDeliveryAttempt, frameAvro } from '@docket/event';
import type { DeliveryAttempt } from '@docket/event';
import { valueSubjectOf } from '@docket/kafka';
import type { KafkaClient, Publisher, SchemaRegistry } from '@docket/kafka';
import { deliveryAttemptAvro } from '@docket/schemas';

import type { DeliveryMetrics } from '../metrics.ts';

/** Where each attempt is written down, for the subscriber's view. Delivery never waits for it and never fails with it. */
export interface Attempts {
  publish(attempt: DeliveryAttempt): void;
  /** Resolves when all that was published has its outcome. */
  settled(): Promise<void>;
}

/** Attempts in memory while the registry or Kafka is away; beyond it they are lost, and counted. */
const pendingMax = 10_000;
/** Attempts are written together: one by one each would cost as much as the request that it tells of. Who looks at them waits a second for the ingestor anyway. */
const gatherMs = 200;
const writtenAtOnceMax = 500;

export function createAttempts(
  kafka: KafkaClient,
  ports: { publisher: Publisher; registry: SchemaRegistry; metrics: DeliveryMetrics },
): Attempts {
  const { publisher, registry, metrics } = ports;
  const topic = kafka.topics.attempts.name;
  const underWay = new Set<Promise<void>>();
  let gathered: DeliveryAttempt[] = [];
  let pending = 0;
  let timer: NodeJS.Timeout | undefined;
  let schemaId: Promise<number | undefined> | undefined;

  const knownId = async (): Promise<number | undefined> => {
    schemaId ??= registry.idOf(valueSubjectOf(topic), deliveryAttemptAvro);
    try {
      const id = await schemaId;
      if (id === undefined) schemaId = undefined;
      return id;
    } catch (error) {
      schemaId = undefined;
      throw error;
    }
  };

  const write = async (attempts: readonly DeliveryAttempt[]): Promise<void> => {
    try {
      const id = await knownId();
      if (id === undefined) throw new Error(`the schema of ${topic} is not registered: run \`docket migrate\``);
      const records = attempts.map((attempt) => ({
        key: attempt.subscription_id,
        value: frameAvro(id, encodeDeliveryAttempt(attempt)),
      }));
      const outcomes = await publisher.publish(topic, records);
      for (const outcome of outcomes) if (!outcome.ok) lose(1, outcome.error);
    } catch (error) {
      lose(attempts.length, error);
    }
  };

  const lose = (count: number, error: unknown): void => {
    metrics.attemptsLost.inc(count);
    kafka.logger.debug({ err: error, count }, 'attempts.lost');
  };

  const writeGathered = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const batch = gathered;
    gathered = [];
    if (batch.length === 0) return;
    pending += batch.length;
    const writing = write(batch).finally(() => {
      pending -= batch.length;
      underWay.delete(writing);
    });
    underWay.add(writing);
  };

  return {
    publish: (attempt) => {
      if (pending + gathered.length >= pendingMax) return metrics.attemptsLost.inc();
      gathered.push(attempt);
      if (gathered.length >= writtenAtOnceMax) writeGathered();
      else timer ??= setTimeout(writeGathered, gatherMs);
    },
    settled: async () => {
      writeGathered();
      await Promise.all(underWay);
    },
  };
}
