import { randomUUID } from 'node:crypto';

import { parkedBytes, parkedKey, parseParked, parseParkedKey } from '@docket/directory';
import type { ParkedEvent } from '@docket/directory';
import { partitionOf } from '@docket/event';
import type { LogRecord } from '@docket/event';
import { createTopicView } from '@docket/kafka';
import type { KafkaClient, Publisher, PublishRecord } from '@docket/kafka';

import { cursorBytes } from './cursor-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';
import { createKnownCursors } from './known-cursors.ts';
import type { KnownCursors } from './known-cursors.ts';
import type { DeliveryMetrics } from '../metrics.ts';
import { createParkedLists } from './parked-lists.ts';

/** All cursors and parked events of the installation as the compacted topic has them, and the way to write them back. */
export interface Cursors {
  start(): void;
  /** Writes what has changed, at most 5 s, and ends. */
  stop(): Promise<void>;
  isCaughtUp(): boolean;
  waitUntilCaughtUp(deadlineMs: number): Promise<void>;
  /** Resolves when all that other instances have written by now has been read. */
  refresh(deadlineMs: number): Promise<void>;
  get(subscriptionId: string): Cursor | undefined;
  /** MUST NOT be delivered: its cursor cannot be read. */
  unreadable: KnownCursors['unreadable'];
  /** I8: of all subscriptions. */
  unreadableCount(): number;
  /** Keeps a cursor: within 200 ms when it moved, within a minute when only its cut did. Never rejects; tried until Kafka takes it. */
  save(subscription: SubscriptionName, cursor: Cursor, isUrgent: boolean): void;
  /** By seq. */
  parkedOf(subscriptionId: string): readonly ParkedEvent[];
  /** Keeps a parked event as `save` does, and durably before any cursor of its subscription that is saved after it. */
  keepParked(subscription: SubscriptionName, parked: ParkedEvent): void;
  forgetParked(subscription: SubscriptionName, seq: number): void;
  /** I8: of all subscriptions. */
  parkedCount(): number;
  /** The subscriptions of which something is kept, living or not, and the partition in which it is. */
  homes(): ReadonlyMap<string, number>;
  /** Lets go of all that is kept of a subscription that is no more (I8), as durably as `save` keeps: its parked events, and then its cursor. */
  forget(subscriptionId: string): void;
}

interface SubscriptionName {
  readonly id: string;
  readonly tenant_id: string;
}

interface ParkedName {
  readonly id: string;
  readonly partition: number;
  readonly seq: number;
}

interface CursorRecord extends PublishRecord {
  readonly key: string;
  /** Undefined: it is forgotten. */
  readonly cursor: Cursor | undefined;
}

const checkpointIntervalMs = 200;
/** Cuts of silent logs: they only save work after a restart. */
const cutsIntervalMs = 60_000;
/** Who wrote a record: what comes back of this instance's own is older than what it knows. */
const writerHeader = 'docket-writer';

export function createCursors(
  kafka: KafkaClient,
  ports: {
    publisher: Publisher;
    partitions: () => number;
    metrics: DeliveryMetrics;
    onCrash: (error: Error) => void;
    /** Somebody else has written it: an operator who asks for it, or an owner before. */
    onParked: (subscriptionId: string, parked: ParkedEvent) => void;
    /** A cursor that was saved here is in the topic. */
    onKept: (subscriptionId: string, cursor: Cursor) => void;
    /** Its cursor can be read no more, or again. */
    onReadable: (subscriptionId: string) => void;
  },
): Cursors {
  const { publisher, metrics } = ports;
  const topic = kafka.topics.cursors.name;
  const writerId = randomUUID();
  const byThis = { [writerHeader]: writerId };
  const cursors = createKnownCursors();
  const parked = createParkedLists();
  const homes = new Map<string, number>();
  /** Until their tombstone is read back: what is read of them before it is older. */
  const forgotten = new Set<string>();
  /** What is to be written: the partition by subscription. */
  const changed = new Map<string, number>();
  const cut = new Map<string, number>();
  /** The same by key of the parked event. */
  const changedParked = new Map<string, ParkedName>();
  let cutsWrittenAtMs = Date.now();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  const isOwn = (headers: LogRecord['headers']): boolean => headers[writerHeader]?.toString() === writerId;
  const isReadable = (id: string): boolean => cursors.unreadable(id) === undefined;

  const readParked = (record: LogRecord, subscriptionId: string, seq: number): void => {
    const { value, headers, offset, partition } = record;
    if (forgotten.has(subscriptionId)) return;
    if (value !== null) homes.set(subscriptionId, partition);
    if (isOwn(headers)) return;
    if (value === null) return parked.remove(subscriptionId, seq);
    const read = parseParked(value);
    if (read?.seq !== seq) return kafka.logger.error({ topic, offset }, 'parked.unreadable');
    ports.onParked(subscriptionId, parked.put(subscriptionId, read));
  };

  const view = createTopicView(kafka, {
    topic,
    onCrash: (error) => ports.onCrash(error),
    onRecord: (record) => {
      const { key, value, headers, offset, partition } = record;
      const id = key?.toString() ?? '';
      const name = parseParkedKey(id);
      if (name !== undefined) return readParked(record, name.subscriptionId, name.seq);
      if (value !== null && forgotten.has(id)) return;
      const wasReadable = isReadable(id);
      if (value === null) {
        cursors.delete(id);
        homes.delete(id);
        forgotten.delete(id);
      } else {
        homes.set(id, partition);
        // Of equal places the one that is read would count, and what has been saved since would never be written.
        if (isOwn(headers) && cursors.get(id) !== undefined) return;
        if (!cursors.read(id, value)) kafka.logger.error({ topic, offset, subscription_id: id }, 'cursor.unreadable');
      }
      if (isReadable(id) !== wasReadable) ports.onReadable(id);
    },
  });

  const homeOf = ({ id, tenant_id: tenantId }: SubscriptionName): number => {
    const partition = partitionOf(tenantId, ports.partitions());
    homes.set(id, partition);
    return partition;
  };

  const takeParked = (): { readonly names: readonly ParkedName[]; readonly records: readonly PublishRecord[] } => {
    const names = [...changedParked.values()];
    changedParked.clear();
    const records = names.map(({ id, partition, seq }): PublishRecord => {
      const one = parked.get(id, seq);
      const value = one === undefined ? null : parkedBytes(one);
      return { key: parkedKey(id, seq), value, partition, headers: byThis };
    });
    return { names, records };
  };

  const takeCursors = (): { readonly ids: ReadonlyMap<string, number>; readonly records: readonly CursorRecord[] } => {
    const ids = new Map(changed);
    changed.clear();
    if (Date.now() - cutsWrittenAtMs >= cutsIntervalMs) {
      for (const [id, partition] of cut) ids.set(id, partition);
      cut.clear();
      cutsWrittenAtMs = Date.now();
    }
    const records = [...ids].flatMap(([id, partition]): CursorRecord[] => {
      if (forgotten.has(id)) return [{ cursor: undefined, key: id, value: null, partition, headers: byThis }];
      const cursor = isReadable(id) ? cursors.get(id) : undefined;
      return cursor === undefined ? [] : [{ cursor, key: id, value: cursorBytes(cursor), partition, headers: byThis }];
    });
    return { ids, records };
  };

  const forgetParked = (id: string, partition: number, seq: number): void => {
    parked.remove(id, seq);
    changedParked.set(parkedKey(id, seq), { id, partition, seq });
  };

  /** Of one moment: what was parked first, and then the cursors that have passed it. */
  const write = async (): Promise<void> => {
    const { names, records: listed } = takeParked();
    const { ids, records } = takeCursors();
    const failed = new Set<string>();
    const again = (id: string): void => void changed.set(id, ids.get(id) ?? 0);
    const listing = await publisher.publish(topic, listed);
    names.forEach((name, index) => {
      if (listing[index]?.ok === true) return;
      metrics.cursorsFailed.inc();
      failed.add(name.id);
      changedParked.set(parkedKey(name.id, name.seq), name);
    });
    const passing = records.filter(({ key }) => !failed.has(key));
    for (const id of failed) if (ids.has(id)) again(id);
    const outcomes = await publisher.publish(topic, passing);
    passing.forEach(({ key, cursor }, index) => {
      if (outcomes[index]?.ok === true) return cursor === undefined ? undefined : ports.onKept(key, cursor);
      metrics.cursorsFailed.inc();
      again(key);
    });
  };

  /** One write at a time: an older value must not land behind a newer one. */
  const checkpoint = (): void => {
    const areCutsDue = cut.size > 0 && Date.now() - cutsWrittenAtMs >= cutsIntervalMs;
    if (writing !== undefined || (changed.size === 0 && changedParked.size === 0 && !areCutsDue)) return;
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
    unreadable: (subscriptionId) => cursors.unreadable(subscriptionId),
    unreadableCount: () => cursors.unreadableCount(),
    save: (subscription, cursor, isUrgent) => {
      const { id } = subscription;
      cursors.put(id, cursor);
      (isUrgent ? changed : cut).set(id, homeOf(subscription));
    },
    parkedOf: (subscriptionId) => parked.of(subscriptionId),
    parkedCount: () => parked.count(),
    keepParked: (subscription, one) => {
      const { id } = subscription;
      parked.put(id, one);
      changedParked.set(parkedKey(id, one.seq), { id, partition: homeOf(subscription), seq: one.seq });
    },
    forgetParked: (subscription, seq) => forgetParked(subscription.id, homeOf(subscription), seq),
    homes: () => homes,
    forget: (id) => {
      const partition = homes.get(id);
      if (partition === undefined) return;
      for (const { seq } of parked.of(id)) forgetParked(id, partition, seq);
      forgotten.add(id);
      cursors.delete(id);
      cut.delete(id);
      changed.set(id, partition);
    },
  };
}
