import { randomInt } from 'node:crypto';
import { createClickHouse } from '@docket/clickhouse';
import {
  checkTopics,
  createEventDecoders,
  createKafka,
  createPartitionConsumer,
  createPublisher,
  createSchemaRegistry,
  recordMacOf,
  valueSubjectOf,
  type Topology,
} from '@docket/kafka';
import { createApiRouter, healthOf, type App, type AppPorts } from '@docket/runtime';
import { createAttemptsWriter } from './attempts-writer.ts';
import { createBlockEffects } from './block-effects.ts';
import { createBlockSize } from './block-size-policy.ts';
import { createColumnIntake } from './column-intake.ts';
import type { Config } from './config.ts';
import { createHeadsKeeper } from './heads-keeper.ts';
import { createIngestMachine } from './ingest-machine.ts';
import { ingestorGroupOf } from './kafka-ranges.ts';
import { createIngestShell, type IngestShell } from './ingest-shell.ts';
import { createIngestorMetrics } from './metrics.ts';
import { runOwnershipEffect } from './ownership-effects.ts';
import { fetchEnds } from './sources/fetch-ends.ts';
import { publishOwnEvents } from './sources/publish-own-events.ts';
import { createSourceWatch } from './sources/source-watch.ts';
import { createStallClock } from './stall-clock.ts';
import { untilTopicsAreRight } from './topics-check.ts';

/** Three heartbeats: long enough for an instance that was frozen to hear that it is no member any more. */
const fencedPauseMs = 3_000;
/** A server that breaks off every insert is not asked for heads and windows more often than this. */
const inDoubtPauseMs = 500;
/** Between two looks at partitions that wait for an operator: an operator notices, and a look costs little. */
const lookAgainMs = 10_000;
/** Enough for a full block at a tenth of full speed. */
const behindAgeMsMax = 2_000;
/** Rows that wait for their insert or are on their way: two blocks, one that fills while the other is inserted (I8). */
const queuedBlocksMax = 2;
/** An insert of a full block takes less than a second; a server that needs so long is in trouble, and an operator should see it. */
const stalledMsMax = 15_000;

/**
 * The ingestor: every record of audit.events becomes exactly one row, in order (I2, I3, I4). Any number of instances share
 * the partitions; each partition has one owner, which the fence in ClickHouse decides.
 */
export function createIngestorApp(config: Config, ports: AppPorts): App {
  const { logger } = ports;
  const stall = createStallClock();
  const stalledMs = (): number => stall.stalledMs(performance.now());
  const metrics = createIngestorMetrics(ports.metrics, stalledMs);
  const clickhouse = createClickHouse(config);
  const kafka = createKafka(config, { logger, clientId: 'docket-ingestor' });
  const eventsTopic = kafka.topics.events.name;
  const publisher = createPublisher(kafka);
  const registry = createSchemaRegistry(config);
  const decoders = createEventDecoders(registry, valueSubjectOf(eventsTopic), logger);
  const attempts = createAttemptsWriter({
    kafka,
    clickhouse,
    registry,
    groupId: `${config.kafkaTopicPrefix}ingestor.attempts`,
    logger,
    metrics,
    onCrash: (error) => ports.exit(error),
  });
  const mac = recordMacOf(config);
  const limits = {
    rowsMax: config.blockRowsMax,
    bytesMax: config.blockBytesMax,
    ageMsMax: config.blockAgeMsMax,
    behindAgeMsMax: Math.max(behindAgeMsMax, config.blockAgeMsMax),
  };
  const stopping = new AbortController();
  let topology: Topology | undefined;
  let topicsProblem = 'the topics are being checked';
  let shell: IngestShell | undefined;
  let isLooking = false;

  const groupId = ingestorGroupOf(kafka);
  const consumer = createPartitionConsumer(kafka, {
    groupId,
    topic: eventsTopic,
    onAssigned: (assignment) => shell?.assign(assignment),
    onLost: (assignmentId) => shell?.lose(assignmentId),
    onBatch: (batch) => shell?.onBatch(batch),
    onPositionJump: (jump) => shell?.jump(jump),
    onUnreadable: (found) => shell?.unreadable(found),
    onCrash: (error) => ports.exit(error),
  });

  function createShell({ generation, partitions }: Topology): IngestShell {
    const { decoderOf, codecOf } = decoders;
    const slotSeed = randomInt(2 ** 31);
    const blockSize = createBlockSize(limits);
    const intake = { generation, partitions, decoderOf, codecOf, mac, limits: blockSize.limits, slotSeed };
    const machine = createIngestMachine({
      createIntake: (options) => createColumnIntake({ ...intake, ...options }),
      queueBytesMax: queuedBlocksMax * limits.bytesMax,
      fencedPauseMs,
      inDoubtPauseMs,
      lookAgainMs,
    });
    return createIngestShell({
      machine,
      generation,
      consumer,
      decoders,
      own: (effect) => runOwnershipEffect({ clickhouse, kafka, generation }, effect),
      heads: createHeadsKeeper({ clickhouse, generation, logger, metrics }),
      sources: createSourceWatch({
        clickhouse,
        generation,
        openForMs: config.sourceGapSeconds * 1_000,
        kafkaEnds: () => fetchEnds(kafka, groupId, eventsTopic),
        tell: (events) => publishOwnEvents({ publisher, registry, eventsTopic, mac }, events),
        logger,
        metrics,
      }),
      onClaimedByAnother: () => void lookForGeneration(),
      blocks: createBlockEffects({
        clickhouse,
        publisher,
        eventsTopic,
        generation,
        logger,
        metrics,
        onInsert: (duration) => {
          blockSize.note(duration);
          if (duration.isStored) stall.stored(performance.now());
        },
      }),
      stall,
      logger,
      metrics,
      exit: (error) => ports.exit(error),
    });
  }

  /** A generation ends when all its partitions are claimed for good: then there is a new one, and its shell takes over. */
  async function lookForGeneration(): Promise<void> {
    if (isLooking || topology === undefined) return;
    isLooking = true;
    try {
      const found = await checkTopics(kafka);
      if (stopping.signal.aborted || found.generation === topology.generation) return;
      logger.warn({ generation: found.generation, before: topology.generation }, 'generation.opened');
      await shell?.stop();
      topology = found;
      shell = createShell(found);
      const assignment = consumer.assignment();
      if (assignment !== undefined) shell.assign(assignment);
    } catch (error) {
      logger.warn({ err: error }, 'topics.not_right');
    } finally {
      isLooking = false;
    }
  }

  async function join(): Promise<void> {
    topology = await untilTopicsAreRight(() => checkTopics(kafka), {
      signal: stopping.signal,
      onProblem: (problem) => {
        topicsProblem = problem;
        logger.warn({ detail: problem }, 'topics.not_right');
      },
    });
    if (topology === undefined) return;
    shell = createShell(topology);
    consumer.start();
    attempts.start();
  }

  return {
    router: createApiRouter(),
    async start() {
      await publisher.start();
      void join();
    },
    async stop() {
      stopping.abort();
      await Promise.all([shell?.stop(), consumer.stop(), attempts.stop()]);
      await publisher.stop();
      await clickhouse.close();
    },
    health() {
      const stopped = [...(shell?.stopped() ?? [])].map(
        ([partition, { detail }]) => `partition ${partition}: ${detail}`,
      );
      return healthOf({
        topics: topology === undefined ? { ok: false, detail: topicsProblem } : { ok: true },
        assignment:
          shell?.isPrepared() === true ? { ok: true } : { ok: false, detail: 'no prepared assignment of partitions' },
        storing:
          stalledMs() <= stalledMsMax
            ? { ok: true }
            : {
                ok: false,
                detail: `records have waited for ${Math.round(stalledMs() / 1000)} s; the log says for what`,
              },
        partitions: stopped.length === 0 ? { ok: true } : { ok: false, detail: stopped.join('; ') },
      });
    },
  };
}
