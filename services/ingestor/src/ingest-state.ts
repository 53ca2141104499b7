import type { LogHead, PartitionHeads, StoredRecord } from '@docket/clickhouse';
import type { LogRecord, WindowEntry } from '@docket/event';
import type { PassedRange } from '@docket/kafka';
import type { InsertableBlock, Intake, IntakeOptions } from './intake.ts';
import type { KafkaRange, StopReason } from './position-policy.ts';
import type { Stray } from './reroute-mapper.ts';

/** What this member was given at one rebalance. */
export interface AssignedPartitions {
  readonly id: string;
  readonly partitions: readonly number[];
  /**
   * ClickHouse has refused a block of it: from then on rows keep their records' values until they are stored, because a row that is
   * quarantined shows its. Otherwise nothing does, and the memory of a fetch is free as soon as its rows are columns.
   */
  readonly keepsValues?: boolean;
}

/** Where one partition stands in both stores, read after fence and clear. */
export interface PartitionPlace {
  readonly partition: number;
  readonly stored: PartitionHeads;
  readonly kafka: KafkaRange;
}

/** A partition with stored rows: where its reading begins, and what has to be read of them first. */
export interface StoredPast {
  readonly partition: number;
  readonly from: number;
  readonly last: LogHead;
  /** The first fetch must show the last stored record. */
  readonly expectStored: boolean;
  readonly place: PartitionPlace;
}

/** A partition that waits for an operator. */
export interface StoppedPartition {
  readonly reason: StopReason;
  readonly detail: string;
}

/** A partition that is being read. */
export interface OpenPartition {
  readonly from: number;
  /** The record that the first fetch must show; null once it was seen, or when there is none to compare. */
  expected: StoredRecord | null;
  /** The records below it have been entered. */
  nextOffset: number;
  readonly topicId: string | undefined;
  /** The offset after the last record that is stored, and after the last one that is stored or entered. */
  storedTo: number;
  enteredTo: number;
  /** Everything below it has been looked at. */
  passedTo: number;
}

/** The one block that is on its way, and what is awaited. */
export type Writing<B> =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'publishing' | 'publish_pause';
      readonly block: B;
      readonly strays: readonly Stray[];
      readonly failures: number;
    }
  | {
      readonly kind: 'inserting' | 'insert_pause';
      readonly block: B;
      /** What is left of the block, in order; the first one is inserted now. */
      readonly parts: readonly B[];
      readonly token: string;
      readonly failures: number;
    };

/** What is known in each phase. */
export interface PhaseStates<B> {
  /** No member of the group, or before the first assignment. */
  idle: unknown;
  /** Fence: the claim of a new owner is under way. */
  claiming: { readonly assignment: AssignedPartitions; readonly failures: number };
  /** Clear: running inserts of other owners are being ended. */
  clearing: { readonly assignment: AssignedPartitions; readonly failures: number; readonly owner: string };
  /** Read: places, then the past of one partition after the other. */
  reading: {
    readonly assignment: AssignedPartitions;
    readonly failures: number;
    readonly owner: string;
    readonly intake: Intake<B>;
    readonly open: Map<number, OpenPartition>;
    readonly stopped: Map<number, StoppedPartition>;
    /** Null before the places are known; the first one is being read. */
    readonly unread: readonly StoredPast[] | null;
  };
  /** Records become blocks, blocks become rows. Changed in place: it is the hot path, and the machine alone owns it. */
  running: {
    readonly assignment: AssignedPartitions;
    readonly owner: string;
    readonly intake: Intake<B>;
    readonly open: Map<number, OpenPartition>;
    readonly stopped: Map<number, StoppedPartition>;
    writing: Writing<B>;
    isHeldBack: boolean;
    /** When the earliest wake that is set will come; null when none is. */
    wakeAtMs: number | null;
    /** Inserts so far: the running number in their tokens. */
    inserts: number;
  };
  /** Before the next claim. */
  waiting: { readonly assignment: AssignedPartitions; readonly failures: number };
  /** For good. */
  ended: unknown;
}

export type Phase = keyof PhaseStates<unknown>;

/**
 * A run is one try to own the assigned partitions; it ends with its owner. Whatever is under way for an earlier run is
 * worthless: its answers are ignored.
 */
export type IngestState<B, P extends Phase = Phase> = {
  [Q in P]: { readonly phase: Q; readonly run: number } & PhaseStates<B>[Q];
}[P];

export type InsertAnswer =
  /** `unavailable`: the server says that it did not do it, and may do it later. `unanswered`: it may have done it, or do it yet. */
  | { readonly kind: 'stored' | 'fenced' | 'unavailable' | 'unanswered' }
  | { readonly kind: 'refused'; readonly message: string };

interface InputFields {
  assigned: { readonly assignment: AssignedPartitions };
  lost: { readonly assignmentId: string };
  claimed: { readonly run: number; readonly owner: string; readonly owned: readonly number[] };
  cleared: { readonly run: number };
  /** `owned`: the partitions that still had this owner when both stores had been read. */
  placesRead: {
    readonly run: number;
    readonly places: readonly PartitionPlace[];
    readonly owned: readonly number[];
  };
  pastRead: {
    readonly run: number;
    /** The partition's last stored records in offset order, as many as the duplicate window holds. */
    readonly window: Iterable<WindowEntry>;
    readonly stored: StoredRecord | null;
  };
  /** Claim, clear or read was not carried out, or its answer is lost. */
  failed: { readonly run: number };
  /** Records of one partition in offset order, each once, without a gap but for offsets that hold no data. Their schemas are settled. */
  records: {
    readonly run: number;
    readonly partition: number;
    readonly records: readonly LogRecord[];
    /** Offsets between the last of them and the partition's end in Kafka. */
    readonly behind: number;
  };
  /** Of this run, all records below the offset have been told; other offsets hold no data. */
  passed: { readonly run: number; readonly partition: number; readonly nextOffset: number };
  /** Kafka does not have the record that comes next. */
  positionJumped: { readonly run: number; readonly partition: number; readonly detail: string };
  straysPublished: { readonly run: number; readonly unpublished: readonly Stray[] };
  insertAnswered: { readonly run: number; readonly answer: InsertAnswer };
  /** The pause is over. */
  waited: { readonly run: number };
  /** The time of `wake` has come. */
  due: { readonly run: number };
  /** The time of `lookAgainLater` has come. */
  lookAgain: { readonly run: number };
  stop: unknown;
}

export type InputKind = keyof InputFields;

export type IngestInput<K extends InputKind = InputKind> = { [Q in K]: { readonly kind: Q } & InputFields[Q] }[K];

/** What an operator should hear about. */
export type IngestReport<B> =
  | { readonly event: 'assignment.prepared'; readonly partitions: readonly number[] }
  /** Another instance claims the same partitions. */
  | { readonly event: 'assignment.claimed_by_another'; readonly owned: readonly number[] }
  | { readonly event: 'assignment.fenced' }
  /** Stopped partitions may have been mended. */
  | { readonly event: 'partitions.looked_at_again'; readonly partitions: readonly number[] }
  | { readonly event: 'partition.jumped'; readonly partition: number; readonly detail: string }
  /** Only the data can tell whether a block is there. */
  | { readonly event: 'assignment.in_doubt'; readonly token: string }
  /** The records of a refused block are read again, with what its bad row will show. */
  | { readonly event: 'block.refused'; readonly token: string }
  | {
      readonly event: 'log.not_dense';
      readonly partition: number;
      readonly log: string;
      readonly headSeq: number;
      readonly rows: number;
      readonly missing: number;
    }
  /** A block of one row. */
  | { readonly event: 'row.refused'; readonly block: B };

/** What the shell does, in order. Those with a result carry the run, which comes back with it. */
export type IngestEffect<B> =
  /** Makes a new owner (a UUID never used before) the owner of the partitions → claimed | failed. */
  | { readonly kind: 'claim'; readonly run: number; readonly partitions: readonly number[] }
  /** Ends the running inserts of all other owners → cleared | failed. */
  | { readonly kind: 'kill'; readonly run: number; readonly owner: string; readonly partitions: readonly number[] }
  /** → placesRead | failed */
  | {
      readonly kind: 'readPlaces';
      readonly run: number;
      readonly owner: string;
      readonly partitions: readonly number[];
    }
  /** → pastRead | failed */
  | { readonly kind: 'readPast'; readonly run: number; readonly past: StoredPast }
  /** Begins a partition at exactly this offset. */
  | { readonly kind: 'resumeAt'; readonly partition: number; readonly offset: number }
  | { readonly kind: 'pause' | 'resume'; readonly partitions: readonly number[] }
  /** → straysPublished */
  | { readonly kind: 'publishStrays'; readonly run: number; readonly strays: readonly Stray[] }
  /** → insertAnswered */
  | {
      readonly kind: 'insertBlock';
      readonly run: number;
      readonly owner: string;
      readonly token: string;
      readonly block: B;
    }
  /** Tells Kafka how far partitions are stored, for lag dashboards only. */
  | { readonly kind: 'commit'; readonly ends: ReadonlyMap<number, number> }
  /** Notes in Kafka, best effort, that these offsets hold no data: when retention has taken them, nothing else says so. */
  | { readonly kind: 'notePassed'; readonly partition: number; readonly passed: PassedRange }
  | {
      readonly kind: 'stopPartition';
      readonly partition: number;
      readonly reason: StopReason;
      readonly detail: string;
    }
  /** From now on, until the run is abandoned: writes down where the logs stand, at once and now and then, beside everything else. */
  | { readonly kind: 'keepHeads'; readonly owner: string; readonly partitions: readonly number[] }
  /** Pauses by the number of failures, with jitter → waited. */
  | { readonly kind: 'backOff'; readonly run: number; readonly failures: number }
  | { readonly kind: 'wait'; readonly run: number; readonly ms: number }
  /** → due */
  | { readonly kind: 'wake'; readonly run: number; readonly inMs: number }
  /** → lookAgain; one at a time. */
  | { readonly kind: 'lookAgainLater'; readonly run: number; readonly inMs: number }
  /** What is under way for the run is given up; no answer is awaited. */
  | { readonly kind: 'abandon'; readonly run: number }
  | { readonly kind: 'report'; readonly report: IngestReport<B> }
  /** A broken assumption: the process must end. */
  | { readonly kind: 'exit'; readonly reason: string };

export interface Step<B> {
  readonly state: IngestState<B>;
  readonly effects: readonly IngestEffect<B>[];
}

/** What the phases share. */
export interface MachineParts<B extends InsertableBlock<B>> {
  /** A new one for every run: ledgers begin where the data says. */
  readonly createIntake: (options: IntakeOptions) => Intake<B>;
  /** Bytes that may wait for their insert before Kafka is held back (I8). */
  readonly queueBytesMax: number;
  /** After another owner was found: time to hear that this instance is no member any more. */
  readonly fencedPauseMs: number;
  /** A server that breaks off every insert is not asked for heads and windows more often than this. */
  readonly inDoubtPauseMs: number;
  /** Between two looks at partitions that wait for an operator. */
  readonly lookAgainMs: number;
}
