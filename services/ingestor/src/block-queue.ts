import type { LogRecord } from '@docket/event';

export interface BlockLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly ageMsMax: number;
  /**
   * So old a block may become while a whole block's rows wait in Kafka: nothing is fresh then, and ClickHouse pays for parts, not
   * only for rows.
   */
  readonly behindAgeMsMax: number;
}

/** What a row costs beside the record's value: its columns' lengths, numbers and defaults. */
const rowOverheadBytes = 200;

/** Blocks whose memory is kept for the next ones: one fills while the other is on its way. */
const idleBlocksMax = 2;

/** What the queue knows of a block: rows of one month in the order of their partitions' offsets. */
export interface QueuedBlock {
  /** Rows. */
  readonly size: number;
  /** As they came from Kafka, with what a row costs beside. */
  bytes: number;
  month: number;
  openedAtMs: number;
}

/** How blocks are made; what their rows are made of is not the queue's business. */
export interface BlockKind<B> {
  create(): B;
  /** For the next rows. */
  clear(block: B): void;
}

/** Collects rows of many partitions into blocks; blocks leave in the order in which they were filled, so each partition's rows stay in offset order (I4). */
export interface BlockQueue<B> {
  /** `enter` adds the record's row to the block. */
  add(record: LogRecord, enter: (record: LogRecord, block: B) => void, nowMs: number): void;
  /** So many offsets of the partition are still to come. */
  noteBehind(partition: number, offsets: number, nowMs: number): void;
  /** The next block that is full, or old enough; undefined when none is. Its bytes count as waiting until `release`. */
  take(nowMs: number): B | undefined;
  /** A block that was taken is stored: its memory serves the next one. */
  release(block: B): void;
  /** How long until `take` has a block if nothing more comes; undefined when nothing waits. */
  dueInMs(nowMs: number): number | undefined;
  /** The blocks that wait, in their order. */
  waiting(): readonly B[];
  /** Bytes that wait or are on their way (I8). */
  bytes(): number;
}

/**
 * A block is cut by rows, by bytes, by age, and wherever the received month differs from the previous row's, in either
 * direction: an insert over two table partitions would be two commits, and a crash between them would break the prefix.
 */
export function createBlockQueue<B extends QueuedBlock>(limits: BlockLimits, kind: BlockKind<B>): BlockQueue<B> {
  const blocks: B[] = [];
  const idle: B[] = [];
  const behind = new Map<number, { readonly offsets: number; readonly notedAtMs: number }>();
  let bytes = 0;

  const isFull = (block: B): boolean => block.size >= limits.rowsMax || block.bytes >= limits.bytesMax;

  /** A partition of which nothing has come for long is held up by something else. */
  function isBehind(nowMs: number): boolean {
    let offsets = 0;
    for (const noted of behind.values()) if (nowMs - noted.notedAtMs <= limits.behindAgeMsMax) offsets += noted.offsets;
    return offsets >= limits.rowsMax;
  }

  function open(month: number, nowMs: number): B {
    const block = idle.pop() ?? kind.create();
    block.month = month;
    block.openedAtMs = nowMs;
    blocks.push(block);
    return block;
  }

  return {
    add(record, enter, nowMs) {
      const month = monthOf(record.timestampMs);
      const last = blocks.at(-1);
      const block = last === undefined || isFull(last) || last.month !== month ? open(month, nowMs) : last;
      enter(record, block);
      const cost = (record.value?.length ?? 0) + rowOverheadBytes;
      block.bytes += cost;
      bytes += cost;
    },
    noteBehind(partition, offsets, nowMs) {
      behind.set(partition, { offsets, notedAtMs: nowMs });
    },
    take(nowMs) {
      const dueIn = this.dueInMs(nowMs);
      return dueIn === undefined || dueIn > 0 ? undefined : blocks.shift();
    },
    release(block) {
      bytes -= block.bytes;
      block.bytes = 0;
      kind.clear(block);
      if (idle.length < idleBlocksMax) idle.push(block);
    },
    dueInMs(nowMs) {
      const [first] = blocks;
      if (first === undefined) return undefined;
      if (blocks.length > 1 || isFull(first)) return 0;
      const ageMsMax = isBehind(nowMs) ? limits.behindAgeMsMax : limits.ageMsMax;
      return Math.max(0, first.openedAtMs + ageMsMax - nowMs);
    },
    waiting: () => blocks,
    bytes: () => bytes,
  };
}

const dayMs = 24 * 60 * 60 * 1000;
let knownDay = Number.NaN;
let monthOfKnownDay = 0;

/** The table partition of a row, as toYYYYMM(received_at) in UTC. Neighbours share their day, which is remembered. */
export function monthOf(receivedAtMs: number): number {
  const day = Math.floor(receivedAtMs / dayMs);
  if (day !== knownDay) {
    const date = new Date(day * dayMs);
    knownDay = day;
    monthOfKnownDay = date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
  }
  return monthOfKnownDay;
}
