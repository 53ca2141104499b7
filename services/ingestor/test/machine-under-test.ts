import type { LogHead, PartitionHeads } from '@docket/clickhouse';
import type { LogRecord } from '@docket/event';
import { createIngestMachine } from '../src/ingest-machine.ts';
import type { IngestEffect, IngestInput, IngestState, Phase } from '../src/ingest-state.ts';
import type { InsertableBlock, Intake } from '../src/intake.ts';

/** A block that is nothing but offsets of partition 0; negative ones are quarantined. */
export interface Offsets extends InsertableBlock<Offsets> {
  readonly offsets: readonly number[];
}

export function offsetsBlock(offsets: readonly number[], strays: readonly LogRecord[] = []): Offsets {
  const middle = Math.ceil(offsets.length / 2);
  return {
    offsets,
    size: offsets.length,
    ends: new Map([[0, Math.abs(offsets.at(-1) ?? 0) + 1]]),
    strays: strays.map((record) => ({ tenantId: 'acme', record })),
    halves: () => [offsetsBlock(offsets.slice(0, middle)), offsetsBlock(offsets.slice(middle))],
  };
}

export function recordAt(offset: number, partition = 0): LogRecord {
  return { partition, offset, timestampMs: 0, key: null, value: null, headers: {} };
}

/** An intake whose blocks have `rowsMax` rows or are due after 10 ms; every record costs a byte; records of partition 1 are strays. */
export function createOffsetsIntake(
  rowsMax: number,
  keepsValues: boolean,
): Intake<Offsets> & { readonly released: Offsets[] } {
  const waiting: LogRecord[] = [];
  const released: Offsets[] = [];
  let openedAtMs = 0;
  let onTheirWay = 0;
  const dueInMs = (nowMs: number): number | undefined => {
    if (waiting.length === 0) return undefined;
    return waiting.length >= rowsMax ? 0 : Math.max(0, openedAtMs + 10 - nowMs);
  };
  return {
    released,
    open: () => undefined,
    enter(record, nowMs) {
      if (waiting.length === 0) openedAtMs = nowMs;
      waiting.push(record);
    },
    noteBehind: () => undefined,
    isStored: ({ offset }, stored) => offset === stored.offset,
    take(nowMs) {
      if ((dueInMs(nowMs) ?? 1) > 0) return undefined;
      const taken = waiting.splice(0, rowsMax);
      onTheirWay += taken.length;
      return offsetsBlock(
        taken.map(({ offset }) => offset),
        taken.filter(({ partition }) => partition === 1),
      );
    },
    release(block) {
      onTheirWay -= block.size;
      released.push(block);
    },
    refuse({ offsets }) {
      if (!keepsValues) throw new Error('a value that was not kept');
      return offsets.some((offset) => offset < 0) ? null : offsetsBlock(offsets.map((n) => -n));
    },
    dueInMs,
    bytes: () => waiting.length + onTheirWay,
  };
}

export const limits = { queueBytesMax: 6, fencedPauseMs: 3_000, inDoubtPauseMs: 500, lookAgainMs: 10_000 };
export const assignment = { id: 'a1', partitions: [0, 1] };

/** One machine, told one thing after the other. */
export function createDriven(rowsMax = 3) {
  const intakes: ReturnType<typeof createOffsetsIntake>[] = [];
  /** Whether each intake, in the order in which they were made, keeps values. */
  const kept: boolean[] = [];
  const machine = createIngestMachine<Offsets>({
    ...limits,
    createIntake({ keepsValues }) {
      const intake = createOffsetsIntake(rowsMax, keepsValues);
      intakes.push(intake);
      kept.push(keepsValues);
      return intake;
    },
  });
  let state: IngestState<Offsets> = machine.initial;
  let nowMs = 0;
  return {
    intakes,
    kept,
    state: () => state,
    /** Lets time pass, then tells; gives what is to be done. */
    tell(input: IngestInput, afterMs = 0): readonly IngestEffect<Offsets>[] {
      nowMs += afterMs;
      const stepped = machine.step(state, input, nowMs);
      state = stepped.state;
      return stepped.effects;
    },
  };
}

export type Driven = ReturnType<typeof createDriven>;

export const noRows: PartitionHeads = { last: null, startOffset: 0, heads: new Map() };

export function rowsUpTo(headOffset: number, missing = 0): PartitionHeads {
  const head: LogHead = {
    log: 'acme',
    firstSeq: 1,
    headSeq: headOffset + 1,
    headOffset,
    rows: headOffset + 1 - missing,
  };
  return { last: head, startOffset: 0, heads: new Map([['acme', head]]) };
}

/** What brings a machine from one phase to the next, when both partitions are empty. */
const path: readonly ((run: number) => IngestInput)[] = [
  () => ({ kind: 'assigned', assignment }),
  (run) => ({ kind: 'claimed', run, owner: 'o1', owned: [0, 1] }),
  (run) => ({ kind: 'cleared', run }),
  (run) => ({
    kind: 'placesRead',
    run,
    owned: [0, 1],
    places: [0, 1].map((partition) => ({ partition, stored: noRows, kafka: { earliest: 0, next: 0 } })),
  }),
];

export function drivenTo(phase: Phase, rowsMax?: number): Driven {
  const driven = createDriven(rowsMax);
  for (const input of path) {
    if (driven.state().phase === phase) return driven;
    if (phase === 'waiting' && driven.state().phase === 'claiming')
      driven.tell({ kind: 'failed', run: driven.state().run });
    else driven.tell(input(driven.state().run));
    if (driven.state().phase === phase) return driven;
  }
  driven.tell({ kind: 'stop' });
  return driven;
}

export const afterAssigned = path.slice(1);

/** From the end of a run's pause to the next one that is running; its owner is `o1` again. */
export function drivenAgain(driven: Driven): void {
  driven.tell({ kind: 'waited', run: driven.state().run });
  for (const input of afterAssigned) driven.tell(input(driven.state().run));
}

export function kindsOf(effects: readonly IngestEffect<Offsets>[]): string[] {
  return effects.map((effect) => (effect.kind === 'report' ? effect.report.event : effect.kind));
}

export function theOnly<K extends IngestEffect<Offsets>['kind']>(
  effects: readonly IngestEffect<Offsets>[],
  kind: K,
): Extract<IngestEffect<Offsets>, { kind: K }> {
  const found = effects.filter((effect): effect is Extract<IngestEffect<Offsets>, { kind: K }> => effect.kind === kind);
  const [only, ...others] = found;
  if (only === undefined || others.length > 0) throw new Error(`${found.length} effects ${kind}`);
  return only;
}
