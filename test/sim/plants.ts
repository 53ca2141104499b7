import type { Intake } from '../../services/ingestor/src/intake.ts';
import { guardOfEachPartition, type GuardRule } from './model-clickhouse.ts';
import type { PassedRange } from '@docket/kafka';
import type { ModelRow, SimPart } from './sim-part.ts';

/** The points at which a bug can be planted: seams of the machine and rules of the models, none of them in product code. */
export interface Plant {
  readonly guardRule: GuardRule;
  readonly intake: (intake: Intake<SimPart>) => Intake<SimPart>;
  readonly token: (token: string, rows: readonly ModelRow[]) => string;
  /** The owner of a claim: a new one, or the one of the assignment. */
  readonly owner: (fresh: string, assignmentId: string) => string;
  readonly isKilling: boolean;
  /** An insert without an answer is tried again under its token, and what comes of that is believed. */
  readonly isTokenBelieved: boolean;
  /** Heads are written down under the guard of an insert, and killed like one. */
  readonly isHeadsFenced: boolean;
  /** What is read of a note about offsets that held no data. */
  readonly noted: (passed: PassedRange) => PassedRange;
}

/** As designed. */
export const nothingPlanted: Plant = {
  guardRule: guardOfEachPartition,
  intake: (intake) => intake,
  token: (token) => token,
  owner: (fresh) => fresh,
  isKilling: true,
  isTokenBelieved: false,
  isHeadsFenced: true,
  noted: (passed) => passed,
};

const noFence: Plant = { ...nothingPlanted, guardRule: () => true };

/** One epoch for the whole block: right for one partition, wrong for several. */
const fenceByMaximumEpoch: Plant = {
  ...nothingPlanted,
  guardRule: (fence, { owner, partitions }) => {
    const entries = partitions.map((partition) => fence[partition]);
    const newest = entries.reduce((a, b) => ((b?.epoch ?? 0) > (a?.epoch ?? 0) ? b : a), entries[0]);
    return newest?.owner === owner;
  },
};

const seqOffByOne: Plant = {
  ...nothingPlanted,
  intake: (intake) => ({
    ...intake,
    open: (start) =>
      intake.open({
        ...start,
        heads: new Map([...start.heads].map(([log, head]) => [log, { ...head, headSeq: head.headSeq - 1 }])),
      }),
  }),
};

const windowRefillSkipped: Plant = {
  ...nothingPlanted,
  intake: (intake) => ({ ...intake, open: (start) => intake.open({ ...start, window: [] }) }),
};

const monthCutSkipped: Plant = {
  ...nothingPlanted,
  intake: (intake) => ({
    ...intake,
    release: (part) => (joinedOf.get(part) ?? [part]).forEach((one) => intake.release(one)),
    take(nowMs) {
      const first = intake.take(nowMs);
      const second = first === undefined ? undefined : intake.take(nowMs);
      return first === undefined || second === undefined ? first : joined(first, second);
    },
  }),
};

const joinedOf = new WeakMap<SimPart, readonly SimPart[]>();

function joined(first: SimPart, second: SimPart): SimPart {
  const part: SimPart = {
    size: first.size + second.size,
    ends: new Map([...first.ends, ...second.ends]),
    strays: [...first.strays, ...second.strays],
    modelRows: () => [...first.modelRows(), ...second.modelRows()],
    halves: () => [first, second],
  };
  joinedOf.set(part, [first, second]);
  return part;
}

const tokenOfOffsets: Plant = {
  ...nothingPlanted,
  token: (_token, rows) => {
    const ranges = new Map<number, [number, number]>();
    for (const { src_partition: partition, src_offset: offset } of rows)
      ranges.set(partition, [ranges.get(partition)?.[0] ?? offset, offset]);
    return [...ranges]
      .sort(([a], [b]) => a - b)
      .map(([partition, [first, last]]) => `${partition}:${first}-${last}`)
      .join('|');
  },
};

const ownerKeptAcrossClaims: Plant = { ...nothingPlanted, owner: (_fresh, assignmentId) => assignmentId };
const runningInsertsLeft: Plant = { ...nothingPlanted, isKilling: false };
const tokenBelieved: Plant = { ...nothingPlanted, isTokenBelieved: true };

const headsNotFenced: Plant = { ...nothingPlanted, isHeadsFenced: false };

/** As a bare committed offset would be: everything below it is taken for stored, whatever ClickHouse holds. */
const committedOffsetBelieved: Plant = { ...nothingPlanted, noted: (passed) => ({ ...passed, from: 0 }) };

const lastRecordNotCompared: Plant = {
  ...nothingPlanted,
  intake: (intake) => ({ ...intake, isStored: () => true }),
};

/** Bugs that the simulation has to find. */
export const plants: Readonly<Record<string, Plant>> = {
  'no fence': noFence,
  'fence by maximum epoch over several partitions': fenceByMaximumEpoch,
  'seq off by one': seqOffByOne,
  'window refill skipped': windowRefillSkipped,
  'month cut skipped': monthCutSkipped,
  'a token made of offsets': tokenOfOffsets,
  'one owner for all claims of an assignment': ownerKeptAcrossClaims,
  'running inserts not killed': runningInsertsLeft,
  'a token taken as proof': tokenBelieved,
  'heads written down without the fence': headsNotFenced,
  'a committed offset believed': committedOffsetBelieved,
  'the last stored record not compared': lastRecordNotCompared,
};
