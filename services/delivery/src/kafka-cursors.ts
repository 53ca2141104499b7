import { partitionOf } from '@docket/event';
import { createTopicView } from '@docket/kafka';
import type { KafkaClient, Publisher, PublishRecord } from '@docket/kafka';

import { cursorBytes, laterCursor, parseCursor } from './cursor-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';
import type { DeliveryMetrics } from './metrics.ts';

/** All cursors of the installation as the compacted topic has them, and the way to write them back. */
export interface Cursors {
  start(): void;
  /** Writes what has changed, at most 5 s, and ends. */
  stop(): Promise<void>;
  isCaughtUp(): boolean;
  waitUntilCaughtUp(deadlineMs: number): Promise<void>;
  /** Resolves when all that other instances have written by now has been read. */
  refresh(deadlineMs: number): Promise<void>;
  get(subscriptionId: string): Cursor | undefined;
  /** Keeps a cursor: within 200 ms when it moved, within a minute when only its cut did. Never rejects; tried until Kafka takes it. */
  save(subscription: { readonly id: string; readonly tenant_id: string }, cursor: Cursor, isUrgent: boolean): void;
}

const checkpointIntervalMs = 200;
/** Cuts of silent logs: they only save work after a restart. */
const cutsIntervalMs = 60_000;

export function createCursors(
  kafka: KafkaClient,
  ports: { publisher: Publisher; partitions: () => number; metrics: DeliveryMetrics; onCrash: (error: Error) => void },
): Cursors {
  const { publisher, metrics } = ports;
  const topic = kafka.topics.cursors.name;
  const cursors = new Map<string, Cursor>();
  /** What is to be written: the tenant, which decides the partition, by subscription. */
  const changed = new Map<string, string>();
  const cut = new Map<string, string>();
  let cutsWrittenAtMs = Date.now();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  const view = createTopicView(kafka, {
    topic,
    onCrash: (error) => ports.onCrash(error),
    onRecord: ({ key, value, offset }) => {
      const id = key?.toString() ?? '';
      const cursor = value === null ? undefined : parseCursor(value);
      if (cursor !== undefined) cursors.set(id, laterCursor(cursors.get(id), cursor));
      else if (value !== null) kafka.logger.error({ topic, offset }, 'cursor.unreadable');
    },
  });

  const write = async (): Promise<void> => {
    const batch = new Map(changed);
    changed.clear();
    if (Date.now() - cutsWrittenAtMs >= cutsIntervalMs) {
      for (const [id, tenantId] of cut) batch.set(id, tenantId);
      cut.clear();
      cutsWrittenAtMs = Date.now();
    }
    const records = [...batch].flatMap(([id, tenantId]): PublishRecord[] => {
      const cursor = cursors.get(id);
      if (cursor === undefined) return [];
      return [{ key: id, value: cursorBytes(cursor), partition: partitionOf(tenantId, ports.partitions()) }];
    });
    const outcomes = await publisher.publish(topic, records);
    outcomes.forEach((outcome, index) => {
      const id = String(records[index]?.key ?? '');
      if (outcome.ok) return;
      metrics.cursorsFailed.inc();
      changed.set(id, batch.get(id) ?? '');
    });
  };

  /** One write at a time: an older value must not land behind a newer one. */
  const checkpoint = (): void => {
    const areCutsDue = cut.size > 0 && Date.now() - cutsWrittenAtMs >= cutsIntervalMs;
    if (writing !== undefined || (changed.size === 0 && !areCutsDue)) return;
    writing = write().finally(() => {
      writing = undefined;
    });
  };

  return {
    start: () => {
      view.start();
      timer = setInterval(checkpoint, checkpointIntervalMs);
    },
    stop: async () => {
      clearInterval(timer);
      await writing;
      cutsWrittenAtMs = 0;
      await write();
      await view.stop();
    },
    isCaughtUp: () => view.isCaughtUp(),
    waitUntilCaughtUp: (deadlineMs) => view.waitUntilCaughtUp(deadlineMs),
    refresh: (deadlineMs) => view.refresh(deadlineMs),
    get: (subscriptionId) => cursors.get(subscriptionId),
    save: ({ id, tenant_id: tenantId }, cursor, isUrgent) => {
      cursors.set(id, laterCursor(cursors.get(id), cursor));
      (isUrgent ? changed : cut).set(id, tenantId);
    },
  };
}
