import type {
  AssignedPartitions,
  IngestEffect,
  IngestInput,
  IngestState,
  MachineParts,
  OpenPartition,
  Step,
  StoppedPartition,
} from './ingest-state.ts';
import type { InsertableBlock, Intake } from './intake.ts';
import { giveUp, unchanged, waitAndClaim } from './ownership-machine.ts';
import { notePassed } from './passed-machine.ts';
import { createStopped, stopPartition } from './stopped-machine.ts';
import { afterAnswer, afterPause, afterPublish, beginBlock, type WriteProgress } from './writing-machine.ts';

type Running<B> = IngestState<B, 'running'>;

/** What a run has when it is prepared. */
export interface Prepared<B> {
  readonly run: number;
  readonly assignment: AssignedPartitions;
  readonly owner: string;
  readonly intake: Intake<B>;
  readonly open: Map<number, OpenPartition>;
  readonly stopped: Map<number, StoppedPartition>;
}

export function startRunning<B>(
  { run, assignment, owner, intake, open, stopped }: Prepared<B>,
  lookAgainMs: number,
): Step<B> {
  const partitions = [...open.keys()];
  return {
    state: {
      phase: 'running',
      run,
      assignment,
      owner,
      intake,
      open,
      stopped,
      writing: { kind: 'none' },
      isHeldBack: false,
      wakeAtMs: null,
      inserts: 0,
    },
    effects: [
      ...[...open].map(([partition, { from }]): IngestEffect<B> => ({ kind: 'resumeAt', partition, offset: from })),
      { kind: 'report', report: { event: 'assignment.prepared', partitions } },
      ...(assignment.partitions.length === 0
        ? []
        : [{ kind: 'keepHeads', owner, partitions: assignment.partitions } as const]),
      ...(stopped.size === 0 ? [] : [{ kind: 'lookAgainLater', run, inMs: lookAgainMs } as const]),
    ],
  };
}

/** The handlers of a run that is prepared: records in, blocks out, one block on its way at a time. */
export function createRunning<B extends InsertableBlock<B>>(parts: MachineParts<B>) {
  const { queueBytesMax, fencedPauseMs, inDoubtPauseMs } = parts;
  const { later, ...stoppedHandlers } = createStopped(parts);

  /** Takes the next block if none is on its way, or has itself woken when one is due. */
  function pump(state: Running<B>, nowMs: number, effects: IngestEffect<B>[]): void {
    if (state.writing.kind !== 'none') return;
    const block = state.intake.take(nowMs);
    if (block !== undefined) return beginBlock(state, block, effects);
    const inMs = state.intake.dueInMs(nowMs);
    if (inMs === undefined || (state.wakeAtMs !== null && state.wakeAtMs <= nowMs + inMs)) return;
    state.wakeAtMs = nowMs + inMs;
    effects.push({ kind: 'wake', run: state.run, inMs });
  }

  function goOn(state: Running<B>, progress: WriteProgress, nowMs: number, effects: IngestEffect<B>[]): Step<B> {
    switch (progress) {
      case 'busy':
        break;
      case 'done':
        holdBack(state, state.intake.bytes() >= queueBytesMax, effects);
        pump(state, nowMs, effects);
        break;
      case 'fenced':
        effects.push({ kind: 'report', report: { event: 'assignment.fenced' } });
        return giveUp(state, waitAndClaim<B>(state.run + 1, state.assignment, fencedPauseMs), effects);
      case 'in_doubt':
        return giveUp(state, waitAndClaim<B>(state.run + 1, state.assignment, inDoubtPauseMs), effects);
      case 'values_not_kept':
        return giveUp(
          state,
          waitAndClaim<B>(state.run + 1, { ...state.assignment, keepsValues: true }, inDoubtPauseMs),
          effects,
        );
      case 'over':
        return giveUp(state, { state: { phase: 'ended', run: state.run + 1 }, effects: [] }, effects);
    }
    return { state, effects };
  }

  return {
    ...stoppedHandlers,

    records(state: Running<B>, { partition, records, behind }: IngestInput<'records'>, nowMs: number): Step<B> {
      const open = state.open.get(partition);
      const [first] = records;
      if (open === undefined || first === undefined) return unchanged(state);
      const effects: IngestEffect<B>[] = [];
      let isKnown = false;
      if (open.expected !== null) {
        if (!state.intake.isStored(first, open.expected)) {
          state.open.delete(partition);
          const detail = `Kafka's record at offset ${first.offset}, the last one that ClickHouse holds, is another one: the topic was recreated`;
          stopPartition(state.stopped, partition, { reason: 'another_record', detail }, effects);
          if (state.stopped.size === 1) effects.push(later(state.run));
          return { state, effects };
        }
        isKnown = true;
        open.expected = null;
        open.nextOffset = first.offset + 1;
      }
      for (let index = isKnown ? 1 : 0; index < records.length; index += 1) {
        const record = records[index];
        if (record === undefined || record.offset < open.nextOffset)
          throw new Error(`partition ${partition}: a record came again, or out of order, at ${open.nextOffset}`);
        open.nextOffset = record.offset + 1;
        open.enteredTo = open.nextOffset;
        state.intake.enter(record, nowMs);
      }
      state.intake.noteBehind(partition, behind, nowMs);
      holdBack(state, state.isHeldBack || state.intake.bytes() >= queueBytesMax, effects);
      pump(state, nowMs, effects);
      return { state, effects };
    },

    /**
     * Whether anything is lost, only the places say, read again under a claim of one's own: another owner may have stored what
     * Kafka has removed, or retention may have removed just the stored record that was to be compared.
     */
    positionJumped(state: Running<B>, { partition, detail }: IngestInput<'positionJumped'>): Step<B> {
      if (!state.open.has(partition)) return unchanged(state);
      return giveUp(state, waitAndClaim<B>(state.run + 1, state.assignment, inDoubtPauseMs), [
        { kind: 'report', report: { event: 'partition.jumped', partition, detail } },
      ]);
    },

    passed(state: Running<B>, { partition, nextOffset }: IngestInput<'passed'>): Step<B> {
      const open = state.open.get(partition);
      if (open === undefined) return unchanged(state);
      const effects: IngestEffect<B>[] = [];
      open.passedTo = nextOffset;
      notePassed(partition, open, effects);
      return { state, effects };
    },

    due(state: Running<B>, _input: IngestInput<'due'>, nowMs: number): Step<B> {
      const effects: IngestEffect<B>[] = [];
      state.wakeAtMs = null;
      pump(state, nowMs, effects);
      return { state, effects };
    },

    straysPublished(state: Running<B>, input: IngestInput<'straysPublished'>, nowMs: number): Step<B> {
      const effects: IngestEffect<B>[] = [];
      return goOn(state, afterPublish(state, input, effects), nowMs, effects);
    },

    insertAnswered(state: Running<B>, input: IngestInput<'insertAnswered'>, nowMs: number): Step<B> {
      const effects: IngestEffect<B>[] = [];
      return goOn(state, afterAnswer(state, input, effects), nowMs, effects);
    },

    waited(state: Running<B>): Step<B> {
      const effects: IngestEffect<B>[] = [];
      afterPause(state, effects);
      return { state, effects };
    },
  };
}

function holdBack<B>(state: Running<B>, isHeldBack: boolean, effects: IngestEffect<B>[]): void {
  if (state.isHeldBack === isHeldBack) return;
  state.isHeldBack = isHeldBack;
  effects.push({ kind: isHeldBack ? 'pause' : 'resume', partitions: [...state.open.keys()] });
}
