import type { LogHead, StoredRecord } from '@docket/clickhouse';
import type { LogRecord, WindowEntry } from '@docket/event';
import type { Stray } from './reroute-mapper.ts';

/**
 * A block, or a part of one, as the ingestor's decisions see it; what its rows are made of is not their business. Rows of one
 * partition are in offset order (I4), all rows are of one month.
 */
export interface InsertableBlock<B> {
  /** Rows; at least one. */
  readonly size: number;
  /** Partition → the offset after its last row: what the insert brings the partition to. */
  readonly ends: ReadonlyMap<number, number>;
  /** Of the whole block. */
  readonly strays: readonly Stray[];
  /** The rows before and after the middle, in order. Only of two rows or more. */
  halves(): readonly [B, B];
}

/** Where a partition's ledger begins: everything before it is stored. */
export interface IntakeStart {
  readonly partition: number;
  readonly heads: ReadonlyMap<string, LogHead>;
  /** The last stored records in offset order. */
  readonly window: Iterable<WindowEntry>;
}

export interface IntakeOptions {
  /** Rows keep their records' values until they are released, and with them whole fetches. */
  readonly keepsValues: boolean;
}

/** From records to blocks: the ledgers of one run's partitions, and the queue in which their rows wait. */
export interface Intake<B> {
  open(start: IntakeStart): void;
  /** The next record of an open partition. MUST be given every data record, once and in offset order (I2, I3). */
  enter(record: LogRecord, nowMs: number): void;
  /** So many offsets of the partition are still to come from Kafka by now: whether it pays to wait for fuller blocks. */
  noteBehind(partition: number, offsets: number, nowMs: number): void;
  /** Whether this is the record that is stored at its offset, or another one. */
  isStored(record: LogRecord, stored: StoredRecord): boolean;
  /** The next block that is full, or old enough; undefined when none is. Its bytes count as waiting until `release`. */
  take(nowMs: number): B | undefined;
  /** All of a block that was taken is stored. */
  release(block: B): void;
  /**
   * The database has refused the only row of this part. Gives it as quarantined at the same place, with the words of the
   * database, and judges anew what the row has decided for the rows behind it, which MUST not be stored yet; null when it is
   * quarantined already. Only of an intake that keeps values; throws otherwise.
   */
  refuse(part: B, message: string): B | null;
  /** How long until `take` has a block if nothing more comes; undefined when nothing waits. */
  dueInMs(nowMs: number): number | undefined;
  /** Bytes that wait or are on their way (I8). */
  bytes(): number;
}
