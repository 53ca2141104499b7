import type { LogHead, PartitionHeads, StoredRecord } from '@docket/clickhouse';
import type { WindowEntry } from '@docket/event';
import { partitions, poisonHashes, windowRecords } from './events.ts';
import type { ModelRow } from './sim-part.ts';

/** Who may insert rows of a partition; the table holds more, this is what a query over it gives. */
export interface FenceEntry {
  readonly epoch: number;
  readonly owner: string;
}

export interface Guard {
  readonly owner: string;
  readonly partitions: readonly number[];
}

/** Design: the owner of each partition is argMax(owner, (epoch, owner)). */
export type GuardRule = (fence: readonly (FenceEntry | undefined)[], guard: Guard) => boolean;

export const guardOfEachPartition: GuardRule = (fence, { owner, partitions: guarded }) =>
  guarded.every((partition) => fence[partition]?.owner === owner);

/** An insert that the server has begun. */
export interface RunningInsert {
  readonly guard: Guard;
  /** What is left to commit: one part for each month. */
  readonly parts: (readonly ModelRow[])[];
  readonly token: string;
  /** The guard and the data were found right: it may commit at any moment. */
  isChecked: boolean;
  /** The token of the next part is noted: nothing drops that part any more. */
  isNoted: boolean;
  /** It commits nothing more. */
  isOver: boolean;
}

/** What ClickHouse promises: atomic parts, a deduplication window of tokens, a fence, and no more. */
export interface ModelClickHouse {
  /** Gives the epochs that a claim writes later: a statement reads before it writes. */
  readEpochs(claimed: readonly number[]): ReadonlyMap<number, number>;
  writeClaim(owner: string, epochs: ReadonlyMap<number, number>): void;
  ownedBy(owner: string, asked: readonly number[]): number[];
  beginInsert(guard: Guard, token: string, rows: readonly ModelRow[]): RunningInsert;
  isGuarded(insert: RunningInsert): boolean;
  isRefused(insert: RunningInsert): boolean;
  /** Notes the token of the next part, before it is committed; a part whose token is known is dropped, and the insert is content. */
  noteToken(insert: RunningInsert): void;
  /** Commits the next part; whether it was the last. */
  commitPart(insert: RunningInsert): boolean;
  /** The statement has ended. */
  end(insert: RunningInsert): void;
  foreignInserts(guard: Guard): RunningInsert[];
  /** What does not survive a restart: everything that runs. */
  endInserts(): void;
  readHeads(partition: number): PartitionHeads;
  readWindow(partition: number): WindowEntry[];
  readStored(partition: number, log: string, offset: number): StoredRecord | null;
  /** Writes down where the logs of a partition stand. */
  recordHeads(partition: number, heads: PartitionHeads): void;
  /** Removes the rows of a partition from this offset on, and what was recorded of them, as an operator may; tokens stay. */
  removeFrom(partition: number, offset: number): void;
  /** The rows that became visible since the last call. */
  takeNewRows(): readonly ModelRow[];
  rows(): readonly ModelRow[];
}

export interface ClickHouseOptions {
  readonly guardRule: GuardRule;
}

const none: readonly ModelRow[] = [];

export function createModelClickHouse({ guardRule }: ClickHouseOptions): ModelClickHouse {
  const fence: (FenceEntry | undefined)[] = Array.from({ length: partitions }, () => undefined);
  const tables: ModelRow[][] = Array.from({ length: partitions }, () => []);
  const recorded: Map<string, LogHead>[] = Array.from({ length: partitions }, () => new Map());
  const tokens = new Set<string>();
  let running: RunningInsert[] = [];
  let fresh: ModelRow[] = [];

  const tableOf = (partition: number): ModelRow[] => {
    const table = tables[partition];
    if (table === undefined) throw new Error(`a row of partition ${partition}`);
    return table;
  };

  return {
    readEpochs: (claimed) => new Map(claimed.map((partition) => [partition, (fence[partition]?.epoch ?? 0) + 1])),
    writeClaim(owner, epochs) {
      for (const [partition, epoch] of epochs) {
        const present = fence[partition];
        if (present === undefined || epoch > present.epoch || (epoch === present.epoch && owner > present.owner))
          fence[partition] = { epoch, owner };
      }
    },
    ownedBy: (owner, asked) => asked.filter((partition) => fence[partition]?.owner === owner),
    beginInsert(guard, token, rows) {
      const insert = { guard, parts: byMonth(rows), token, isChecked: false, isNoted: false, isOver: false };
      running.push(insert);
      return insert;
    },
    isGuarded: (insert) => guardRule(fence, insert.guard),
    isRefused: ({ parts }) => parts.some((part) => part.some(isPoison)),
    noteToken(insert) {
      if (insert.isNoted) return;
      const token = `${insert.token} of ${monthOf(insert.parts[0]?.[0])}`;
      if (tokens.has(token)) insert.parts.shift();
      else insert.isNoted = true;
      tokens.add(token);
      insert.isOver = insert.parts.length === 0;
    },
    commitPart(insert) {
      const part = insert.parts.shift();
      if (part === undefined || insert.isOver || !insert.isChecked)
        throw new Error('an insert commits before it is checked, or after its end');
      for (const row of part) {
        tableOf(row.src_partition).push(row);
        fresh.push(row);
      }
      insert.isNoted = false;
      insert.isOver = insert.parts.length === 0;
      return insert.isOver;
    },
    end(insert) {
      insert.isOver = true;
      running = running.filter((other) => other !== insert);
    },
    foreignInserts: (guard) =>
      running.filter(
        ({ guard: other, isOver }) =>
          !isOver &&
          other.owner !== guard.owner &&
          other.partitions.some((partition) => guard.partitions.includes(partition)),
      ),
    endInserts() {
      for (const insert of running) insert.isOver = true;
      running = [];
    },
    readHeads(partition) {
      const heads = new Map(recorded[partition]);
      let last: LogHead | null = null;
      for (const head of heads.values()) if (head.headOffset > (last?.headOffset ?? -1)) last = head;
      for (const { tenant_id: log, seq, src_offset: offset } of tableOf(partition)) {
        const known = heads.get(log);
        const head = {
          log,
          firstSeq: 1,
          headSeq: Math.max(seq, known?.headSeq ?? 0),
          headOffset: Math.max(offset, known?.headOffset ?? 0),
          rows: (known?.rows ?? 0) + 1,
        };
        heads.set(log, head);
        if (last === null || head.headOffset >= last.headOffset) last = head;
      }
      return { last, startOffset: 0, heads };
    },
    recordHeads(partition, { heads }) {
      const known = recorded[partition];
      for (const head of heads.values())
        if (head.headSeq > (known?.get(head.log)?.headSeq ?? 0)) known?.set(head.log, { ...head, rows: 0 });
    },
    readWindow: (partition) =>
      [...tableOf(partition)]
        .sort((a, b) => a.src_offset - b.src_offset)
        .slice(-windowRecords)
        .map(({ tenant_id: log, id, status, content_hash: contentHash }) => ({ log, id, status, contentHash })),
    readStored(partition, log, offset) {
      const row = tableOf(partition).find((one) => one.src_offset === offset && one.tenant_id === log);
      return row === undefined ? null : { log, id: row.id, offset, receivedAtMs: row.received_at };
    },
    removeFrom(partition, offset) {
      tables[partition] = tableOf(partition).filter((row) => row.src_offset < offset);
      recorded[partition] = new Map();
    },
    takeNewRows() {
      if (fresh.length === 0) return none;
      const taken = fresh;
      fresh = [];
      return taken;
    },
    rows: () => tables.flat(),
  };
}

function isPoison({ status, content_hash: hash }: ModelRow): boolean {
  return (status === 'accepted' || status === 'duplicate' || status === 'conflict') && poisonHashes.has(hash);
}

function monthOf(row: ModelRow | undefined): number {
  return row === undefined ? 0 : new Date(row.received_at).getUTCMonth();
}

/** An insert makes a part of each month, and commits them one after the other, in no order that anybody promises. */
function byMonth(rows: readonly ModelRow[]): (readonly ModelRow[])[] {
  const [first] = rows;
  const month = monthOf(first);
  const ofFirst = rows.filter((row) => monthOf(row) === month);
  return ofFirst.length === rows.length ? [rows] : [rows.filter((row) => monthOf(row) !== month), ofFirst];
}
