import type { EventRow, LogRecord } from '@docket/event';

/** A row on its way, with the record it came from: a refused row keeps the record's bytes, a stray is published again. */
export interface PendingRow {
  readonly row: EventRow;
  readonly record: LogRecord;
  readonly rerouteTo: string | null;
}

/** Rows of one month in the order of their partitions' offsets: one insert, one part. Never empty once it is taken. */
export interface PendingBlock {
  readonly rows: PendingRow[];
  bytes: number;
  readonly month: number;
  readonly openedAtMs: number;
}

export interface BlockLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly ageMsMax: number;
}

/** What a row costs beside the record's value: its columns' lengths, numbers and defaults. */
const rowOverheadBytes = 200;

/** Collects rows of many partitions into blocks; blocks leave in the order in which they were filled, so each partition's rows stay in offset order (I4). */
export interface BlockQueue {
  add(pending: PendingRow, nowMs: number): void;
  /** The next block that is full, or old enough; undefined when none is. */
  take(nowMs: number): PendingBlock | undefined;
  /** How long until `take` has a block if nothing more comes; undefined when nothing waits. */
  dueInMs(nowMs: number): number | undefined;
  /** Bytes that wait (I8). */
  bytes(): number;
}

/**
 * A block is cut by rows, by bytes, by age, and wherever the received month differs from the previous row's, in either
 * direction: an insert over two table partitions would be two commits, and a crash between them would break the prefix.
 */
export function createBlockQueue(limits: BlockLimits): BlockQueue {
  const blocks: PendingBlock[] = [];
  let bytes = 0;

  const isFull = (block: PendingBlock): boolean =>
    block.rows.length >= limits.rowsMax || block.bytes >= limits.bytesMax;

  return {
    add(pending, nowMs) {
      const month = monthOf(pending.row.received_at);
      let open = blocks.at(-1);
      if (open === undefined || isFull(open) || open.month !== month) {
        open = { rows: [], bytes: 0, month, openedAtMs: nowMs };
        blocks.push(open);
      }
      const cost = (pending.record.value?.length ?? 0) + rowOverheadBytes;
      open.rows.push(pending);
      open.bytes += cost;
      bytes += cost;
    },
    take(nowMs) {
      const dueIn = this.dueInMs(nowMs);
      if (dueIn === undefined || dueIn > 0) return undefined;
      const block = blocks.shift();
      bytes -= block?.bytes ?? 0;
      return block;
    },
    dueInMs(nowMs) {
      const [first] = blocks;
      if (first === undefined) return undefined;
      if (blocks.length > 1 || isFull(first)) return 0;
      return Math.max(0, first.openedAtMs + limits.ageMsMax - nowMs);
    },
    bytes: () => bytes,
  };
}

/** The table partition of a row, as toYYYYMM(received_at) in UTC. */
export function monthOf(receivedAtMs: number): number {
  const date = new Date(receivedAtMs);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
}
