import { encodeDeliveryAttempt, frameAvro } from '@docket/event';
import type { DeliveryAttempt } from '@docket/event';
import { valueSubjectOf } from '@docket/kafka';
import type { KafkaClient, Publisher, SchemaRegistry } from '@docket/kafka';
import { deliveryAttemptAvro } from '@docket/schemas';

import type { DeliveryMetrics } from './metrics.ts';

/** Where each attempt is written down, for the subscriber's view. Delivery never waits for it and never fails with it. */
export interface Attempts {
  publish(attempt: DeliveryAttempt): void;
  /** Resolves when all that was published has its outcome. */
  settled(): Promise<void>;
}

/** Attempts in memory while the registry or Kafka is away; beyond it they are lost, and counted. */
const pendingMax = 10_000;

export function createAttempts(
  kafka: KafkaClient,
  ports: { publisher: Publisher; registry: SchemaRegistry; metrics: DeliveryMetrics },
): Attempts {
  const { publisher, registry, metrics } = ports;
  const topic = kafka.topics.attempts.name;
  const pending = new Set<Promise<void>>();
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

  const write = async (attempt: DeliveryAttempt): Promise<void> => {
    try {
      const id = await knownId();
      if (id === undefined) throw new Error(`the schema of ${topic} is not registered: run \`docket migrate\``);
      const value = frameAvro(id, encodeDeliveryAttempt(attempt));
      const [outcome] = await publisher.publish(topic, [{ key: attempt.subscription_id, value }]);
      if (outcome !== undefined && !outcome.ok) throw outcome.error;
    } catch (error) {
      metrics.attemptsLost.inc();
      kafka.logger.debug({ err: error, attempt_id: attempt.attempt_id }, 'attempt.lost');
    }
  };

  return {
    publish: (attempt) => {
      if (pending.size >= pendingMax) return metrics.attemptsLost.inc();
      const writing = write(attempt).finally(() => pending.delete(writing));
      pending.add(writing);
    },
    settled: async () => {
      await Promise.all(pending);
    },
  };
}
