import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createClickHouse } from '@docket/clickhouse';
import {
  checkTopics,
  createEventDecoders,
  createKafka,
  createPartitionConsumer,
  createPublisher,
  createSchemaRegistry,
  valueSubjectOf,
  type Assignment,
  type Topology,
} from '@docket/kafka';
import { healthOf, type App, type AppPorts } from '@docket/runtime';
import { Router } from 'express';
import { createAssignmentRun, type AssignmentRun } from './assignment-run.ts';
import { createAttemptsWriter } from './attempts-writer.ts';
import { createBlockWriter } from './block-writer.ts';
import type { Config } from './config.ts';
import { createIngestorMetrics } from './metrics.ts';
import { prepareAssignment } from './prepare-assignment.ts';
import { untilTopicsAreRight } from './topics-check.ts';

/** Three heartbeats: long enough for an instance that was frozen to hear that it is no member any more. */
const fencedPauseMs = 3_000;
/** A server that breaks off every insert is not asked for heads and windows more often than this. */
const inDoubtPauseMs = 500;

/**
 * The ingestor: every record of audit.events becomes exactly one row, in order (I2, I3, I4). Any number of instances share
 * the partitions; each partition has one owner, which the fence in ClickHouse decides.
 */
export function createIngestorApp(config: Config, ports: AppPorts): App {
  const { logger } = ports;
  const metrics = createIngestorMetrics(ports.metrics);
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
  const limits = { rowsMax: config.blockRowsMax, bytesMax: config.blockBytesMax, ageMsMax: config.blockAgeMsMax };
  const stopping = new AbortController();
  let topology: Topology | undefined;
  let topicsProblem = 'the topics are being checked';
  let current: { readonly id: string; run: AssignmentRun | undefined; stop(): void } | undefined;
  let runs: Promise<void> = Promise.resolve();

  const consumer = createPartitionConsumer(kafka, {
    groupId: `${config.kafkaTopicPrefix}ingestor`,
    topic: eventsTopic,
    onAssigned: begin,
    onLost: end,
    onBatch: (batch) => (current?.id === batch.assignmentId ? current.run?.onBatch(batch) : undefined),
    onPositionJump: ({ assignmentId, partition, expectedOffset, foundOffset }) => {
      if (current?.id !== assignmentId) return;
      current.run?.stopPartition(
        partition,
        `Kafka went on at offset ${foundOffset} instead of ${expectedOffset}: records are missing or the topic was recreated`,
      );
    },
    onCrash: (error) => ports.exit(error),
  });

  function begin(assignment: Assignment): void {
    end();
    const owned = new AbortController();
    current = { id: assignment.id, run: undefined, stop: () => owned.abort() };
    // One owner at a time: the one before has been told to stop and has nothing left to wait for.
    runs = runs.then(() => own(assignment, owned.signal)).catch((error: unknown) => ports.exit(asError(error)));
  }

  /**
   * Owns the partitions until the assignment ends. Fenced means that another instance claimed them later: either this one has
   * lost its membership and will hear so by its next heartbeat, or the other one has; who is still a member then claims again.
   */
  async function own(assignment: Assignment, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && current?.id === assignment.id) {
      const run = createRun(assignment, randomUUID());
      const stop = () => run.stop();
      signal.addEventListener('abort', stop);
      current.run = run;
      const why = await run.run();
      signal.removeEventListener('abort', stop);
      if (why === 'stopped') return;
      logger.warn({ assignment_id: assignment.id }, `assignment.${why}`);
      const pauseMs = why === 'fenced' ? fencedPauseMs : inDoubtPauseMs;
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  function createRun(assignment: Assignment, owner: string): AssignmentRun {
    if (topology === undefined) throw new Error('an assignment came before the topics were checked');
    const { generation, partitions } = topology;
    const writer = createBlockWriter({ clickhouse, publisher, eventsTopic, logger, metrics }, owner, generation);
    const claim = { generation, partitions: assignment.partitions, owner };
    const { decoderOf, codecOf } = decoders;
    const preparePorts = { clickhouse, kafka, partitions, decoderOf, codecOf, logger };
    const prepare = (signal: AbortSignal) => prepareAssignment(preparePorts, claim, signal);
    return createAssignmentRun(
      { consumer, decoders, prepare, writer, limits, partitions, logger, metrics },
      assignment,
    );
  }

  function end(): void {
    current?.stop();
    current = undefined;
    metrics.stoppedPartitions.set(0);
    metrics.queueBytes.set(0);
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
    consumer.start();
    attempts.start();
  }

  return {
    router: Router(),
    async start() {
      await publisher.start();
      void join();
    },
    async stop() {
      stopping.abort();
      end();
      await Promise.all([consumer.stop(), attempts.stop()]);
      await runs;
      await publisher.stop();
      await clickhouse.close();
    },
    health() {
      const stopped = [...(current?.run?.stopped() ?? [])].map(
        ([partition, detail]) => `partition ${partition}: ${detail}`,
      );
      return healthOf({
        topics: topology === undefined ? { ok: false, detail: topicsProblem } : { ok: true },
        assignment:
          current?.run?.isPrepared() === true
            ? { ok: true }
            : { ok: false, detail: 'no prepared assignment of partitions' },
        partitions: stopped.length === 0 ? { ok: true } : { ok: false, detail: stopped.join('; ') },
      });
    },
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
