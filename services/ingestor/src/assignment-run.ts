import type { StoredRecord } from '@docket/clickhouse';
import { readRecord, type ColumnLedger, type DecoderLookup, type LogRecord } from '@docket/event';
import type { Assignment, EventDecoders, PartitionBatch, PartitionConsumer } from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { createBlockQueue, type BlockLimits, type EnterRecord } from './block-queue.ts';
import type { BlockWriter, OnRefused } from './block-writer.ts';
import type { IngestorMetrics } from './metrics.ts';
import { summaryOf } from './pending-block.ts';
import { isSameRecord } from './position-policy.ts';
import type { PreparedPartition } from './prepare-assignment.ts';

/** Rows that wait for their insert or are on their way: two blocks, one that fills while the other is inserted (I8). */
const queuedBlocksMax = 2;
/** So many records are decoded before timers and sockets get their turn. */
const sliceRecords = 500;

export type RunEnd = 'stopped' | 'fenced' | 'in_doubt';

/** The work of one owner on one assignment: from the fence to the last block. Nothing of it outlives `stop`. */
export interface AssignmentRun {
  /** Resolves when the run is over: `fenced` when another owner has taken a partition, `in_doubt` when it is to be read again what is stored. Rejects on a broken assumption: the process must end. */
  run(): Promise<RunEnd>;
  onBatch(batch: PartitionBatch): Promise<void>;
  /** The partition waits for an operator from now on. */
  stopPartition(partition: number, detail: string): void;
  stop(): void;
  isPrepared(): boolean;
  /** Partitions that wait for an operator, and why. */
  stopped(): ReadonlyMap<number, string>;
}

export interface RunPorts {
  readonly consumer: Pick<PartitionConsumer, 'resumeAt' | 'pause' | 'resume' | 'commit'>;
  readonly decoders: EventDecoders;
  readonly prepare: (signal: AbortSignal) => Promise<PreparedPartition[]>;
  readonly writer: BlockWriter;
  readonly limits: BlockLimits;
  readonly partitions: number;
  readonly logger: Logger;
  readonly metrics: IngestorMetrics;
}

interface RunningPartition {
  readonly ledger: ColumnLedger;
  expected: StoredRecord | null;
  isPaused: boolean;
}

export function createAssignmentRun(ports: RunPorts, assignment: Assignment): AssignmentRun {
  const { consumer, decoders, logger, metrics, limits } = ports;
  const queue = createBlockQueue(limits);
  const running = new Map<number, RunningPartition>();
  /** Also of partitions that were stopped: their rows may still wait. */
  const ledgers = new Map<number, ColumnLedger>();
  const stopped = new Map<number, string>();
  const ends = new Map<number, number>();
  const abort = new AbortController();
  const { signal } = abort;
  let isPrepared = false;
  let end: RunEnd = 'stopped';
  let wake: () => void = () => {};

  const stopPartition = (partition: number, detail: string): void => {
    consumer.pause(assignment.id, partition);
    running.delete(partition);
    stopped.set(partition, detail);
    metrics.stoppedPartitions.set(stopped.size);
    logger.error({ partition, detail }, 'partition.stopped');
  };

  async function prepare(): Promise<void> {
    const stopTimer = metrics.prepareSeconds.startTimer();
    for (const prepared of await ports.prepare(signal)) {
      const { partition } = prepared;
      if (prepared.kind === 'stop') stopPartition(partition, prepared.detail);
      else {
        ledgers.set(partition, prepared.ledger);
        running.set(partition, { ledger: prepared.ledger, expected: prepared.expected, isPaused: false });
        consumer.resumeAt(assignment.id, partition, prepared.from);
      }
    }
    isPrepared = true;
    logger.info(
      { assignment_id: assignment.id, partitions: [...running.keys()], seconds: stopTimer() },
      'assignment.prepared',
    );
  }

  function holdBack(isFull: boolean): void {
    for (const [partition, state] of running) {
      if (state.isPaused === isFull) continue;
      state.isPaused = isFull;
      consumer[isFull ? 'pause' : 'resume'](assignment.id, partition);
    }
  }

  const queueBytesMax = queuedBlocksMax * limits.bytesMax;

  async function writeBlocks(): Promise<void> {
    while (!signal.aborted) {
      const block = queue.take(performance.now());
      if (block === undefined) {
        await untilDue(queue.dueInMs(performance.now()));
        continue;
      }
      const outcome = await ports.writer.write(block, signal, judgeAnew);
      if (outcome !== 'stored') return giveUp(outcome);
      reportStored(summaryOf(block.reader, block.columns.rows).nextOffsets);
      queue.release(block);
      metrics.queueBytes.set(queue.bytes());
      if (queue.bytes() < queueBytesMax) holdBack(false);
    }
  }

  /** All rows behind a refused one are still here: in its block, and in those that wait. */
  const judgeAnew: OnRefused = (block, row) => {
    const behind = { reader: block.reader, from: row + 1, to: block.columns.rows };
    const waiting = queue.waiting().map(({ reader, columns }) => ({ reader, from: 0, to: columns.rows }));
    ledgers.get(block.reader.partitionAt(row))?.withdraw({ reader: block.reader, row }, [behind, ...waiting]);
  };

  /** What is queued was read under an ownership that has ended: whoever owns the partitions reads it again. */
  function giveUp(why: RunEnd): void {
    for (const partition of running.keys()) consumer.pause(assignment.id, partition);
    running.clear();
    isPrepared = false;
    end = why;
  }

  /** Kafka's committed offsets serve lag dashboards only: positions are in the data. */
  function reportStored(nextOffsets: ReadonlyMap<number, number>): void {
    for (const [partition, offset] of nextOffsets) {
      consumer.commit(assignment.id, partition, offset);
      metrics.lagRecords.set({ partition }, Math.max(0, (ends.get(partition) ?? offset) - offset));
    }
  }

  function untilDue(dueInMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = dueInMs === undefined ? undefined : setTimeout(resolve, dueInMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    async run() {
      try {
        await prepare();
        await writeBlocks();
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      return end;
    },
    async onBatch({ partition, records, highWatermark }) {
      const state = running.get(partition);
      if (state === undefined) return;
      ends.set(partition, highWatermark);
      try {
        await decoders.prepare(records, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      const fresh =
        state.expected === null
          ? records
          : afterExpected(records, state.expected, ports.partitions, decoders.decoderOf);
      if (fresh === null) {
        return stopPartition(partition, 'the record at the last stored offset is another one: the topic was recreated');
      }
      if (records.length > 0) state.expected = null;
      const enter: EnterRecord = (record, rows) => state.ledger.enter(record, rows);
      for (let index = 0; index < fresh.length && !signal.aborted; index += sliceRecords) {
        const nowMs = performance.now();
        for (const record of fresh.slice(index, index + sliceRecords)) queue.add(record, enter, nowMs);
        wake();
        await new Promise(setImmediate);
      }
      metrics.queueBytes.set(queue.bytes());
      if (queue.bytes() >= queueBytesMax) holdBack(true);
    },
    stopPartition,
    stop() {
      abort.abort();
      wake();
    },
    isPrepared: () => isPrepared,
    stopped: () => stopped,
  };
}

/** The records after the one that is already stored; null when the first record is not that one. */
function afterExpected(
  records: readonly LogRecord[],
  expected: StoredRecord,
  partitions: number,
  decoderOf: DecoderLookup,
): readonly LogRecord[] | null {
  const [first, ...rest] = records;
  if (first === undefined) return [];
  const reading = readRecord(first, partitions, decoderOf);
  const id = reading.kind === 'quarantined' ? reading.id : reading.event.id;
  const found = { offset: first.offset, receivedAtMs: first.timestampMs, log: reading.log, id };
  return isSameRecord(found, expected) ? rest : null;
}
