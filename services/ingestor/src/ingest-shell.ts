import { passedNoteOf } from '@docket/kafka';
import type {
  Assignment,
  EventDecoders,
  PartitionBatch,
  PartitionConsumer,
  PassedRange,
  PositionJump,
  UnreadableFetch,
} from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { backoffMs } from './backoff-policy.ts';
import type { BlockEffects } from './block-effects.ts';
import type { ColumnPart } from './column-intake.ts';
import type { IngestMachine } from './ingest-machine.ts';
import type { HeadsKeeper } from './heads-keeper.ts';
import type { IngestEffect, IngestInput, IngestReport, IngestState, StoppedPartition } from './ingest-state.ts';
import type { IngestorMetrics } from './metrics.ts';
import type { runOwnershipEffect } from './ownership-effects.ts';
import { sliceEnd } from './slice-policy.ts';
import { unreadableDetail } from './unreadable-mapper.ts';
import type { SourceWatch } from './sources/source-watch.ts';
import { isWaiting, type StallClock } from './stall-clock.ts';

type Effect = IngestEffect<ColumnPart>;
type OwnershipEffect = Parameters<typeof runOwnershipEffect>[1];

export interface ShellPorts {
  readonly machine: IngestMachine<ColumnPart>;
  readonly generation: number;
  readonly consumer: Pick<PartitionConsumer, 'resumeAt' | 'pause' | 'resume' | 'commit'>;
  readonly decoders: EventDecoders;
  readonly own: (effect: OwnershipEffect) => ReturnType<typeof runOwnershipEffect>;
  readonly blocks: BlockEffects;
  readonly heads: HeadsKeeper;
  readonly sources: SourceWatch;
  readonly stall: StallClock;
  readonly logger: Logger;
  readonly metrics: IngestorMetrics;
  /** Somebody owns partitions that this member was given. */
  readonly onClaimedByAnother: () => void;
  /** A broken assumption: the process must end. */
  readonly exit: (error: Error) => void;
}

/** Runs the machine: hands it what happens and carries out what it decides, in order. */
export interface IngestShell {
  assign(assignment: Assignment): void;
  lose(assignmentId: string): void;
  onBatch(batch: PartitionBatch): Promise<void>;
  jump(jump: PositionJump): void;
  /** A partition waits at a batch until it can be read: Kafka's affair, of which the machine need not know. */
  unreadable(found: UnreadableFetch): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
  isPrepared(): boolean;
  /** Partitions that wait for an operator, and why. */
  stopped(): ReadonlyMap<number, Pick<StoppedPartition, 'detail'>>;
}

const noneStopped: ReadonlyMap<number, StoppedPartition> = new Map();

export function createIngestShell(ports: ShellPorts): IngestShell {
  const { machine, consumer, logger, metrics } = ports;
  const underWay = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  /** By partition, the batch that was handed out last: the next one is fetched while it is decoded, and waits for it (one ahead, I8). */
  const ahead = new Map<number, Promise<void>>();
  const logEnds = new Map<number, number>();
  const unreadable = new Map<number, Pick<StoppedPartition, 'detail'>>();
  let state: IngestState<ColumnPart> = machine.initial;
  let assignmentId = '';
  let batchesInHand = 0;
  let abort = new AbortController();
  let stopPreparing: (() => number) | undefined;

  function tell(input: IngestInput): void {
    try {
      const stepped = machine.step(state, input, performance.now());
      state = stepped.state;
      for (const effect of stepped.effects) run(effect);
      metrics.stoppedPartitions.set(stopped().size);
      metrics.openPartitions.set(state.phase === 'running' ? state.open.size : 0);
      noteWaiting();
    } catch (error) {
      // Nothing goes on behind a broken assumption.
      abandon();
      state = { phase: 'ended', run: state.run + 1 };
      ports.exit(asError(error));
    }
  }

  function noteWaiting(): void {
    const queuedBytes = state.phase === 'running' ? state.intake.bytes() : 0;
    metrics.queueBytes.set(queuedBytes);
    ports.stall.waits(isWaiting(state.phase, queuedBytes, batchesInHand), performance.now());
  }

  /** What it becomes is told to the machine; an answer that comes too late is its business. */
  function answer(work: Promise<IngestInput>): void {
    const told = work.then(tell, (error: unknown) => ports.exit(asError(error))).finally(() => underWay.delete(told));
    underWay.add(told);
  }

  function after(ms: number, input: IngestInput): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      tell(input);
    }, ms);
    timers.add(timer);
  }

  async function own(effect: OwnershipEffect): Promise<IngestInput> {
    try {
      return await ports.own(effect);
    } catch (error) {
      logger.warn({ err: error, assignment_id: assignmentId, step: effect.kind }, 'assignment.not_prepared');
      return { kind: 'failed', run: effect.run };
    }
  }

  function run(effect: Effect): void {
    switch (effect.kind) {
      case 'claim':
        stopPreparing ??= metrics.prepareSeconds.startTimer();
        return answer(own(effect));
      case 'kill':
      case 'readPlaces':
      case 'readPast':
        return answer(own(effect));
      case 'resumeAt':
        return void consumer.resumeAt(assignmentId, effect.partition, effect.offset);
      case 'pause':
      case 'resume':
        for (const partition of effect.partitions) consumer[effect.kind](assignmentId, partition);
        return;
      case 'publishStrays':
        return answer(
          ports.blocks
            .publishStrays(effect.strays, abort.signal)
            .then((unpublished) => ({ kind: 'straysPublished', run: effect.run, unpublished })),
        );
      case 'insertBlock':
        return answer(
          ports.blocks
            .insert(effect, abort.signal)
            .then((inserted) => ({ kind: 'insertAnswered', run: effect.run, answer: inserted })),
        );
      case 'commit':
        return commit(effect.ends);
      case 'notePassed':
        return notePassed(effect.partition, effect.passed);
      case 'stopPartition':
        consumer.pause(assignmentId, effect.partition);
        return logger.error(
          { partition: effect.partition, reason: effect.reason, detail: effect.detail },
          'partition.stopped',
        );
      case 'keepHeads':
        ports.sources.watch(effect.partitions, abort.signal);
        return ports.heads.keep(effect, abort.signal);
      case 'backOff':
        return after(backoffMs(effect.failures, Math.random()), { kind: 'waited', run: effect.run });
      case 'wait':
        return after(effect.ms, { kind: 'waited', run: effect.run });
      case 'wake':
        return after(effect.inMs, { kind: 'due', run: effect.run });
      case 'lookAgainLater':
        return after(effect.inMs, { kind: 'lookAgain', run: effect.run });
      case 'abandon':
        return abandon();
      case 'report':
        return report(effect.report);
      case 'exit':
        return ports.exit(new Error(effect.reason));
    }
  }

  /** False when the run was abandoned meanwhile. */
  async function areSchemasSettled(records: PartitionBatch['records'], signal: AbortSignal): Promise<boolean> {
    metrics.schemaWaits.inc();
    try {
      await ports.decoders.prepare(records, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    } finally {
      metrics.schemaWaits.dec();
    }
  }

  /** Hands a batch to the machine in slices, once the one before it of its partition has been. */
  async function take(
    { partition, records, highWatermark, lastOffset }: PartitionBatch,
    ofRun: number,
    signal: AbortSignal,
    before: Promise<void> | undefined,
  ): Promise<void> {
    batchesInHand += 1;
    noteWaiting();
    try {
      await before;
      if (signal.aborted) return;
      logEnds.set(partition, highWatermark);
      if (unreadable.delete(partition)) {
        logger.info({ partition }, 'partition.readable_again');
        metrics.stoppedPartitions.set(stopped().size);
      }
      if (!(await areSchemasSettled(records, signal))) return;
      for (let from = 0, to = 0; from < records.length && !signal.aborted; from = to) {
        to = sliceEnd(records, from);
        const slice = records.slice(from, to);
        const behind = Math.max(0, highWatermark - 1 - (slice.at(-1)?.offset ?? 0));
        tell({ kind: 'records', run: ofRun, partition, records: slice, behind });
        await new Promise(setImmediate);
      }
      if (!signal.aborted) tell({ kind: 'passed', run: ofRun, partition, nextOffset: lastOffset + 1 });
    } finally {
      batchesInHand -= 1;
      noteWaiting();
    }
  }

  function abandon(): void {
    abort.abort();
    abort = new AbortController();
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    stopPreparing = undefined;
    metrics.missingRows.set(0);
  }

  function stopped(): ReturnType<IngestShell['stopped']> {
    const ofMachine = state.phase === 'running' || state.phase === 'reading' ? state.stopped : noneStopped;
    return unreadable.size === 0 ? ofMachine : new Map([...unreadable, ...ofMachine]);
  }

  /** Others may have these partitions now, and their state is theirs to tell. */
  function leave(): void {
    unreadable.clear();
    metrics.lagRecords.reset();
  }

  /** Kafka's committed offsets serve lag dashboards; positions are in the data. */
  function commit(ends: ReadonlyMap<number, number>): void {
    for (const [partition, end] of ends) {
      consumer.commit(assignmentId, partition, end);
      metrics.lagRecords.set({ partition }, Math.max(0, (logEnds.get(partition) ?? end) - end));
    }
  }

  function notePassed(partition: number, passed: PassedRange): void {
    consumer.commit(assignmentId, partition, passed.to, passedNoteOf(ports.generation, passed));
    metrics.lagRecords.set({ partition }, Math.max(0, (logEnds.get(partition) ?? passed.to) - passed.to));
  }

  function report(said: IngestReport<ColumnPart>): void {
    switch (said.event) {
      case 'assignment.prepared': {
        const { event, partitions } = said;
        logger.info({ assignment_id: assignmentId, partitions, seconds: stopPreparing?.() ?? 0 }, event);
        stopPreparing = undefined;
        return;
      }
      case 'assignment.claimed_by_another':
        logger.warn({ assignment_id: assignmentId, owned: said.owned }, said.event);
        return ports.onClaimedByAnother();
      case 'assignment.fenced':
        return logger.warn({ assignment_id: assignmentId }, said.event);
      case 'partitions.looked_at_again':
        return logger.info({ partitions: said.partitions }, said.event);
      case 'partition.jumped':
        return logger.error({ partition: said.partition, detail: said.detail }, said.event);
      case 'assignment.in_doubt':
        return logger.warn({ assignment_id: assignmentId, token: said.token }, said.event);
      case 'block.refused':
        return logger.error({ assignment_id: assignmentId, token: said.token }, said.event);
      case 'log.not_dense': {
        const { event, partition, log, headSeq, rows, missing } = said;
        metrics.missingRows.inc(Math.abs(missing));
        const remedy = `\`docket repair --partition ${partition}\` says what is missing, and puts it back with --yes`;
        return logger.error({ partition, log, head_seq: headSeq, rows, missing, remedy }, event);
      }
      case 'row.refused':
        logger.error(placeOf(said.block), said.event);
    }
  }

  return {
    assign(assignment) {
      assignmentId = assignment.id;
      leave();
      tell({ kind: 'assigned', assignment });
    },
    lose(id) {
      leave();
      tell({ kind: 'lost', assignmentId: id });
    },
    async onBatch(batch) {
      if (batch.assignmentId !== assignmentId) return;
      const before = ahead.get(batch.partition);
      const taken = take(batch, state.run, abort.signal, before).catch((error: unknown) => ports.exit(asError(error)));
      ahead.set(batch.partition, taken);
      underWay.add(taken);
      void taken.finally(() => underWay.delete(taken));
      await before;
    },
    jump({ assignmentId: id, partition, expectedOffset, foundOffset }) {
      if (id !== assignmentId) return;
      unreadable.delete(partition);
      const detail = `Kafka went on at offset ${foundOffset} instead of ${expectedOffset}: records are missing or the topic was recreated`;
      tell({ kind: 'positionJumped', run: state.run, partition, detail });
    },
    unreadable({ assignmentId: id, partition, batch }) {
      if (id !== assignmentId) return;
      metrics.unreadableFetches.inc({ reason: batch.reason });
      unreadable.set(partition, { detail: unreadableDetail(batch) });
      metrics.stoppedPartitions.set(stopped().size);
    },
    async stop() {
      tell({ kind: 'stop' });
      await Promise.allSettled(underWay);
    },
    isPrepared: () => state.phase === 'running',
    stopped,
  };
}

function placeOf({ block, from }: ColumnPart): object {
  const { tenant_id: log, seq, src_partition: partition, src_offset: offset } = block.reader.placeAt(from);
  return { log, seq, partition, offset };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
