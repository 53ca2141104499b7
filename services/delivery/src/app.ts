import { setTimeout as pause } from 'node:timers/promises';
import { createClickHouse } from '@docket/clickhouse';
import { createDirectoryView, readMasterKey } from '@docket/directory';
import {
  checkTopics,
  createEventDecoders,
  createKafka,
  createPartitionConsumer,
  createPublisher,
  createSchemaRegistry,
  fetchTopicOffsets,
  recordMacOf,
  valueSubjectOf,
  type Assignment,
  type Topology,
} from '@docket/kafka';
import { addDocumentRoutes, createApiRouter, healthOf, type App, type AppPorts } from '@docket/runtime';
import { openApiDocuments } from '@docket/schemas';

import type { Config } from './config.ts';
import { createDeliveryRun } from './delivery-run.ts';
import type { DeliveryRun } from './delivery-run.ts';
import { addSubscriberRoutes } from './http/subscriber-routes.ts';
import { createAskingLimit } from './http/asking-limit.ts';
import { createAttempts } from './cursors/kafka-attempts.ts';
import { createCursors } from './cursors/kafka-cursors.ts';
import { createDeliveryMetrics } from './metrics.ts';
import { createNotices } from './notices/notices.ts';
import { hostsOf, noticeWebhookOf } from './notices/notice-webhook-policy.ts';
import { createOwnEvents } from './own-events.ts';
import { createPartitionEnds } from './log/partition-ends.ts';
import { createBatchSender } from './receivers/send-batch.ts';
import { slotLimitsOf } from './slots/slot-limits-policy.ts';
import { createSlots } from './slots/slot-policy.ts';
import { createSubscriptionEncoding } from './batches/subscription-encoding.ts';
import { createWebhookSender } from './receivers/webhook-sender.ts';

/** Each fetch costs as much as ten records, here and at the broker; of the time from an append to its receipt this is a small part. */
const fetchPaceMs = 10;
const slowCheckMs = 20;
const topicsRetryMs = 1_000;
const metricsIntervalMs = 1_000;
/** What is under way at SIGTERM may end by itself for this long; then it is given up, and sent again by whoever comes next. */
const finishDeadlineMs = 4_000;

/**
 * Delivery: pushes each tenant's log to its subscriptions, in order and at least once (I6). Any number of instances share the partitions; a
 * subscription is delivered by the owner of its tenant's partition. Two owners at a time do no harm: an acknowledgement is true whoever got it.
 */
export function createDeliveryApp(config: Config, ports: AppPorts): App {
  const { logger } = ports;
  const metrics = createDeliveryMetrics(ports.metrics);
  const clickhouse = createClickHouse(config);
  const kafka = createKafka(config, { logger, clientId: 'docket-delivery' });
  const eventsTopic = kafka.topics.events.name;
  const registry = createSchemaRegistry(config);
  const decoders = createEventDecoders(registry, valueSubjectOf(eventsTopic), logger);
  const mac = recordMacOf(config);
  const publisher = createPublisher(kafka);
  const readEnds = createPartitionEnds(kafka, eventsTopic);
  const onCrash = (error: Error): void => ports.exit(error);
  const directory = createDirectoryView(kafka, { metrics: ports.metrics, onCrash });
  const cursors = createCursors(kafka, {
    publisher,
    partitions: () => topology?.partitions ?? 1,
    metrics,
    onCrash,
    onParked: (subscriptionId, parked) => current?.run.onParked(subscriptionId, parked),
    onKept: (subscriptionId, cursor) => current?.run.onKept(subscriptionId, cursor),
    onReadable: (subscriptionId) => current?.run.onSubscription(subscriptionId),
  });
  const attempts = createAttempts(kafka, { publisher, registry, metrics });
  const webhook = createWebhookSender({ allowedHosts: config.sinkAllowedHosts });
  const masterKey = readMasterKey(config.masterKey);
  const sender = createBatchSender({ webhook, masterKey, attempts, logger, metrics });
  const encodingOf = createSubscriptionEncoding(masterKey);
  const ownEvents = createOwnEvents({ publisher, registry, eventsTopic, mac });
  const noticeSender = createWebhookSender({ allowedHosts: hostsOf(config.noticeWebhookUrl) });
  const notices = createNotices({ ownEvents, sender: noticeSender, webhook: noticeWebhookOf(config), metrics, logger });
  const slots = createSlots(slotLimitsOf(config.inFlightMax));
  const stopping = new AbortController();
  /** Runs that may still have something under way; the last is the current one. */
  const runs = new Set<DeliveryRun>();
  let current: { readonly assignmentId: string; readonly run: DeliveryRun } | undefined;
  let topology: Topology | undefined;
  let topicsProblem = 'the topics are being checked';
  let slotsTimer: NodeJS.Immediate | undefined;
  let metricsTimer: NodeJS.Timeout | undefined;
  let slowTimer: NodeJS.Timeout | undefined;

  const consumer = createPartitionConsumer(kafka, {
    groupId: `${config.kafkaTopicPrefix}delivery`,
    topic: eventsTopic,
    paceMs: fetchPaceMs,
    onAssigned: begin,
    onLost: end,
    onBatch: (batch) => runOf(batch.assignmentId)?.onBatch(batch),
    onPosition: (partition, nextOffset) => current?.run.onPosition(partition, nextOffset),
    onPositionJump: (jump) => runOf(jump.assignmentId)?.onPositionJump(jump),
    onCrash,
  });
  directory.onChange(({ kind, id }) => {
    if (kind === 'subscription') for (const run of runs) run.onSubscription(id);
  });

  function runOf(assignmentId: string): DeliveryRun | undefined {
    return current?.assignmentId === assignmentId ? current.run : undefined;
  }

  function begin(assignment: Assignment): void {
    if (topology === undefined) throw new Error('an assignment came before the topics were checked');
    const run = createDeliveryRun(
      {
        readRanges: () => fetchTopicOffsets(kafka, eventsTopic),
        consumer,
        clickhouse,
        directory,
        cursors,
        decoders,
        mac,
        sender,
        slots,
        topology,
        logger,
        metrics,
        onSlotFree: takeSlotsSoon,
        tailBytesMax: config.tailBytesMax,
        proofIntervalMs: config.proofIntervalSeconds * 1_000,
        suspendAfterMs: config.suspendAfterSeconds * 1_000,
        noticeAfterMs: config.noticeAfterSeconds * 1_000,
        notices,
        readEnds,
        encodingOf,
      },
      assignment,
    );
    current = { assignmentId: assignment.id, run };
    runs.add(run);
    void run.begin();
  }

  function end(): void {
    const ended = current?.run;
    current = undefined;
    ended?.end();
    if (ended !== undefined) void ended.settled().then(() => runs.delete(ended));
  }

  function takeSlotsSoon(): void {
    slotsTimer ??= setImmediate(() => {
      slotsTimer = undefined;
      current?.run.takeSlots();
    });
  }

  async function join(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        topology = await checkTopics(kafka);
        directory.start();
        cursors.start();
        consumer.start();
        return;
      } catch (error) {
        topicsProblem = error instanceof Error ? error.message : String(error);
        logger.warn({ detail: topicsProblem }, 'topics.not_right');
        await pause(topicsRetryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  function observe(): void {
    const stats = current?.run.stats();
    metrics.tailBytes.set(stats?.tailBytes ?? 0);
    metrics.heldBytes.set(stats?.heldBytes ?? 0);
    metrics.lookups.set(webhook.lookups());
    metrics.parked.set(cursors.parkedCount());
    metrics.cursorsUnreadable.set(cursors.unreadableCount());
    metrics.subscriptions.reset();
    for (const [phase, count] of stats?.byPhase ?? []) metrics.subscriptions.set({ phase }, count);
    for (const [pool, { held, waiting }] of Object.entries(slots.stats())) {
      metrics.slots.set({ pool, state: 'under_way' }, held);
      metrics.slots.set({ pool, state: 'waiting' }, waiting);
    }
  }

  async function finish(): Promise<void> {
    const settled = Promise.all([...runs].map((run) => run.settled()));
    await Promise.race([settled, pause(finishDeadlineMs)]);
    for (const run of runs) run.abort();
    await settled;
  }

  const router = createApiRouter();
  const { signal } = stopping;
  addSubscriberRoutes(router, {
    directory,
    cursors,
    clickhouse,
    logger,
    sender,
    encodingOf,
    ownEvents,
    trustedProxyHops: config.trustedProxyHops,
    withinLimit: createAskingLimit(),
    stopping: signal,
    generation: () => topology?.generation,
  });
  addDocumentRoutes(router, openApiDocuments.delivery);
  return {
    router,
    async start() {
      await publisher.start();
      metricsTimer = setInterval(observe, metricsIntervalMs);
      // Time makes room, too.
      slowTimer = setInterval(takeSlotsSoon, slowCheckMs);
      void join();
    },
    async stop() {
      stopping.abort();
      clearInterval(metricsTimer);
      clearInterval(slowTimer);
      end();
      // Leaving the group lets another instance begin while what is under way here ends.
      await Promise.all([finish().then(() => attempts.settled()), consumer.stop()]);
      await notices.stop();
      await Promise.all([cursors.stop(), directory.stop()]);
      await publisher.stop();
      await Promise.all([webhook.close(), noticeSender.close()]);
      await clickhouse.close();
    },
    health() {
      const stopped = [...(current?.run.stopped() ?? [])].map(
        ([partition, detail]) => `partition ${partition}: ${detail}`,
      );
      return healthOf({
        topics: topology === undefined ? { ok: false, detail: topicsProblem } : { ok: true },
        directory: directory.check(),
        cursors: cursors.isCaughtUp()
          ? { ok: true }
          : { ok: false, detail: 'the cursors have not been read to their end' },
        assignment:
          current?.run.isPrepared() === true
            ? { ok: true }
            : { ok: false, detail: 'no prepared assignment of partitions' },
        partitions: stopped.length === 0 ? { ok: true } : { ok: false, detail: stopped.join('; ') },
      });
    },
  };
}
