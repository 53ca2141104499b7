import { partitionOf } from '@docket/event';
import type { ClickHouse } from '@docket/clickhouse';
import type { DirectoryView, ParkedEvent, Subscription } from '@docket/directory';
import type {
  Assignment,
  EventCodecs,
  PartitionBatch,
  PartitionConsumer,
  PartitionRange,
  PositionJump,
  Topology,
} from '@docket/kafka';
import type { RecordMac } from '@docket/event';
import type { Logger } from '@docket/runtime';
import { setTimeout as pause } from 'node:timers/promises';

import { createStoredLog } from './log/clickhouse-log.ts';
import { firstCursor, inGeneration } from './cursors/cursor-mapper.ts';
import type { Cursor } from './cursors/cursor-mapper.ts';
import type { Cursors } from './cursors/kafka-cursors.ts';
import { createLogSource } from './log/log-source.ts';
import type { DeliveryMetrics } from './metrics.ts';
import type { Notices } from './notices/notices.ts';
import type { PartitionEnds } from './log/partition-ends.ts';
import type { BatchSender } from './receivers/send-batch.ts';
import type { Slots } from './slots/slot-policy.ts';
import type { SubscriptionEncoding } from './batches/subscription-encoding.ts';
import { createSubscriptionTable } from './subscription-table.ts';
import type { SubscriptionTable } from './subscription-table.ts';
import { createTailBuffer } from './log/tail-buffer.ts';
import type { TailBuffer } from './log/tail-buffer.ts';
import { tailStart } from './log/tail-start-policy.ts';

/** Delivery of the partitions of one assignment, from the join of the group until it is lost. */
export interface DeliveryRun {
  /** Prepares, trying until it is done or the run ends; then delivers. Never rejects. */
  begin(): Promise<void>;
  /** Begins nothing new. What is under way ends by itself within its deadlines, and still counts. */
  end(): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  abort(): void;
  onBatch(batch: PartitionBatch): void;
  onPosition(partition: number, nextOffset: number): void;
  onPositionJump(jump: PositionJump): void;
  onSubscription(id: string): void;
  onParked(subscriptionId: string, parked: ParkedEvent): void;
  onKept(subscriptionId: string, cursor: Cursor): void;
  takeSlots(): void;
  isPrepared(): boolean;
  /** Partitions that wait for an operator, with the reason. */
  stopped(): ReadonlyMap<number, string>;
  stats(): { readonly tailBytes: number; readonly heldBytes: number; readonly byPhase: ReadonlyMap<string, number> };
}

type DeliveryDirectory = Pick<
  DirectoryView,
  'waitUntilCaughtUp' | 'refresh' | 'subscription' | 'hasSubscription' | 'subscriptions'
>;

export interface DeliveryRunPorts {
  /** What Kafka holds of the partitions now. Rejects while it does not answer. */
  readonly readRanges: () => Promise<readonly PartitionRange[]>;
  readonly consumer: Pick<PartitionConsumer, 'resumeAt' | 'commit'>;
  readonly clickhouse: ClickHouse;
  readonly directory: DeliveryDirectory;
  readonly cursors: Cursors;
  readonly decoders: EventCodecs;
  readonly mac: RecordMac;
  readonly sender: BatchSender;
  readonly slots: Slots;
  readonly onSlotFree: () => void;
  readonly topology: Topology;
  readonly tailBytesMax: number;
  readonly proofIntervalMs: number;
  readonly suspendAfterMs: number;
  readonly noticeAfterMs: number;
  readonly notices: Notices;
  readonly encodingOf: SubscriptionEncoding;
  readonly readEnds: () => Promise<PartitionEnds | undefined>;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
}

const prepareRetryMs = 1_000;
const viewDeadlineMs = 30_000;
/** ClickHouse is of use here, but not needed: a run begins without it. */
const headsDeadlineMs = 5_000;
/** How often it is read where the logs stand: cursors are held against it. */
const headsIntervalMs = 60_000;

export function createDeliveryRun(ports: DeliveryRunPorts, assignment: Assignment): DeliveryRun {
  const { consumer, clickhouse, directory, cursors, topology, logger } = ports;
  const ending = new AbortController();
  const tails = new Map<number, TailBuffer>();
  const stoppedPartitions = new Map<number, string>();
  const stored = createStoredLog(clickhouse, topology.generation, logger);
  const { decoders, mac, encodingOf, readEnds } = ports;
  const source = createLogSource({ stored, decoders, mac, topology, logger, encodingOf, readEnds });
  const table: SubscriptionTable = createSubscriptionTable({ ...ports, tails, source });
  let isPrepared = false;
  let headsTimer: NodeJS.Timeout | undefined;

  /** Does without them when ClickHouse has not answered by then. */
  const readHeads = async (deadlineMs: number): Promise<void> => {
    const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(deadlineMs)]);
    try {
      await stored.readThrough(assignment.partitions, signal);
    } catch (error) {
      logger.warn({ err: error }, 'delivery.clickhouse_away');
    }
  };

  const watchLog = ({ tenant_id: log }: Subscription): void => stored.watch(partitionOf(log, topology.partitions), log);

  /** Undefined: it is no more, or its cursor cannot be read. */
  const deliverable = (id: string): Subscription | undefined =>
    cursors.unreadable(id) === undefined ? directory.subscription(id) : undefined;

  /** Of those of whom something is kept in a partition of this run: nothing is any more of those that are gone (I8). */
  const forgetGone = (ids: readonly string[]): void => {
    for (const id of ids) {
      const home = cursors.homes().get(id);
      const isOwn = home !== undefined && assignment.partitions.includes(home);
      if (isOwn && !directory.hasSubscription(id)) cursors.forget(id);
    }
  };

  const ownSubscriptions = (): readonly Subscription[] => {
    const owned = new Set(assignment.partitions);
    return directory
      .subscriptions()
      .filter(({ tenant_id: tenantId }) => owned.has(partitionOf(tenantId, topology.partitions)));
  };

  /**
   * The cursors first: what the owner before has acknowledged must be known before anything is sent. Then each tail at the place from which its
   * subscriptions can go on, and only then the subscriptions, which find their tails in place.
   */
  const prepare = async (): Promise<void> => {
    await directory.waitUntilCaughtUp(viewDeadlineMs);
    await cursors.waitUntilCaughtUp(viewDeadlineMs);
    await cursors.refresh(viewDeadlineMs);
    const kept = [...cursors.homes().keys()];
    // Behind the cursors: of whom something is kept, the directory has told before.
    await directory.refresh(viewDeadlineMs);
    const ranges = await ports.readRanges();
    ownSubscriptions().forEach(watchLog);
    await readHeads(headsDeadlineMs);
    // As they are by now: of changes until here nobody tells this run, and of those behind it onSubscription does, so nothing may wait in between.
    const subscriptions = ownSubscriptions();
    for (const { partition, earliest, end } of ranges) {
      if (!assignment.partitions.includes(partition)) continue;
      const here = subscriptions.filter(
        ({ tenant_id: tenantId }) => partitionOf(tenantId, topology.partitions) === partition,
      );
      const fromOffset = tailStart(
        { earliest, end, storedThrough: stored.through(partition) },
        here.map(({ id, start_after_seq: startAfterSeq }) =>
          inGeneration(cursors.get(id) ?? firstCursor(startAfterSeq, topology.generation), topology.generation),
        ),
      );
      openTail(partition, fromOffset);
    }
    subscriptions.forEach(watchLog);
    for (const { id } of subscriptions) table.set(id, deliverable(id));
    // A directory without any has more likely been lost, and will be restored.
    if (directory.subscriptions().length > 0) forgetGone(kept);
    isPrepared = true;
  };

  const isToPrepare = (): boolean => !ending.signal.aborted && !isPrepared;

  const openTail = (partition: number, fromOffset: number): void => {
    const { partitions } = topology;
    tails.set(partition, createTailBuffer({ partition, partitions, fromOffset, bytesMax: ports.tailBytesMax }));
    consumer.resumeAt(assignment.id, partition, fromOffset);
  };

  const advance = (partition: number, records: PartitionBatch['records'], nextOffset: number): void => {
    const grown = tails.get(partition)?.append(records, nextOffset);
    consumer.commit(assignment.id, partition, nextOffset);
    for (const log of grown ?? []) table.grew(log);
  };

  return {
    begin: async () => {
      while (isToPrepare()) {
        try {
          await prepare();
          if (!ending.signal.aborted) headsTimer = setInterval(() => void readHeads(headsIntervalMs), headsIntervalMs);
          logger.info({ assignment_id: assignment.id, partitions: assignment.partitions.length }, 'delivery.prepared');
        } catch (error) {
          logger.warn({ err: error, assignment_id: assignment.id }, 'delivery.prepare_failed');
          await pause(prepareRetryMs, undefined, { signal: ending.signal }).catch(() => undefined);
        }
      }
    },
    end: () => {
      ending.abort();
      clearInterval(headsTimer);
      table.stop();
    },
    settled: () => table.settled(),
    abort: () => table.abort(),
    onBatch: ({ partition, records, lastOffset }) => advance(partition, records, lastOffset + 1),
    onPosition: (partition, nextOffset) => {
      if (nextOffset > (tails.get(partition)?.endOffset() ?? 0)) advance(partition, [], nextOffset);
    },
    onPositionJump: ({ partition, expectedOffset, foundOffset }) => {
      const detail = `Kafka went on at offset ${foundOffset} instead of ${expectedOffset}: records are missing or the topic was recreated`;
      stoppedPartitions.set(partition, detail);
    },
    onSubscription: (id) => {
      if (!isPrepared) return;
      const subscription = deliverable(id);
      if (subscription !== undefined) watchLog(subscription);
      table.set(id, subscription);
      if (!ending.signal.aborted) forgetGone([id]);
    },
    onParked: (subscriptionId, parked) => table.parked(subscriptionId, parked),
    onKept: (subscriptionId, cursor) => table.kept(subscriptionId, cursor),
    takeSlots: () => table.takeSlots(),
    isPrepared: () => isPrepared,
    stopped: () => stoppedPartitions,
    stats: () => ({
      tailBytes: [...tails.values()].reduce((sum, tail) => sum + tail.bytes(), 0),
      heldBytes: table.heldBytes(),
      byPhase: table.countByPhase(),
    }),
  };
}
