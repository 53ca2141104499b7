import { mergedParked, parkedBytes, parkedKey, parseParked, parseParkedKey } from '@docket/directory';
import type { ParkedEvent, Subscription } from '@docket/directory';
import { partitionOf } from '@docket/event';
import { createPublisher, createTopicView } from '@docket/kafka';
import type { KafkaClient } from '@docket/kafka';
import { DocketError } from '@docket/runtime';
import type { HealthCheck } from '@docket/runtime';

/** The lists of parked events, as delivery keeps them, and the way to ask for one. */
export interface ParkedView {
  start(): Promise<void>;
  stop(): Promise<void>;
  check(): HealthCheck;
  /** By seq. Throws not_caught_up. */
  of(subscriptionId: string): readonly ParkedEvent[];
  /**
   * Asks delivery to send them again. Resolves when Kafka has it. Rejects with kafka_unavailable; then some may
   * be asked for.
   */
  ask(subscription: Subscription, events: readonly ParkedEvent[], partitions: number): Promise<void>;
}

export function createParkedView(
  kafka: KafkaClient,
  options: { /** The view has ended for good: end the process. */ onCrash(error: Error): void },
): ParkedView {
  const topic = kafka.topics.cursors.name;
  const publisher = createPublisher(kafka);
  const lists = new Map<string, Map<number, ParkedEvent>>();

  const view = createTopicView(kafka, {
    topic,
    onCrash: (error) => options.onCrash(error),
    onRecord: ({ key, value }) => {
      const name = parseParkedKey(key?.toString() ?? '');
      if (name === undefined) return;
      const list = lists.get(name.subscriptionId) ?? new Map<number, ParkedEvent>();
      const parked = value === null ? undefined : parseParked(value);
      if (parked?.seq === name.seq) list.set(name.seq, mergedParked(list.get(name.seq), parked));
      else if (value === null) list.delete(name.seq);
      if (list.size > 0) lists.set(name.subscriptionId, list);
      else lists.delete(name.subscriptionId);
    },
  });

  return {
    start: async () => {
      await publisher.start();
      view.start();
    },
    stop: async () => {
      await Promise.all([publisher.stop(), view.stop()]);
    },
    check: () => (view.isCaughtUp() ? { ok: true } : { ok: false, detail: `${topic} has not been read to its end` }),
    of: (subscriptionId) => {
      if (!view.isCaughtUp()) throw new DocketError('not_caught_up', `${topic} has not been read to its end.`);
      return [...(lists.get(subscriptionId)?.values() ?? [])].sort((a, b) => a.seq - b.seq);
    },
    ask: async ({ id, tenant_id: tenantId }, events, partitions) => {
      // Also of one that is asked for already: delivery may know of a refusal that this record does not tell.
      const records = events.map((parked) => ({
        key: parkedKey(id, parked.seq),
        value: parkedBytes({ ...parked, asks: Math.max(parked.asks, parked.refused) + 1 }),
        partition: partitionOf(tenantId, partitions),
      }));
      const outcomes = await publisher.publish(topic, records);
      const failed = outcomes.find((outcome) => !outcome.ok);
      if (failed !== undefined) throw new DocketError('kafka_unavailable', 'Kafka did not confirm it in time.');
    },
  };
}
