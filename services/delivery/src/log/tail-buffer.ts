import { logOf } from '@docket/event';
import type { LogRecord } from '@docket/event';

/**
 * The newest records of one partition, for all its subscriptions together, bounded in bytes (I8). Only watched logs are kept: the records of tenants
 * without subscriptions are skipped by their key, before anything is decoded.
 *
 * A log's part is whole from an offset on: `covers(log, offset)` says that every record of the log behind `offset` is here. So a cursor that is cut at an
 * offset needs no base count: the first record behind the cut has seq + 1, the next seq + 2, because seq is dense (I3). What the buffer has dropped, or
 * never read, is in ClickHouse; there is no attaching and no detaching, only "covers" or not, asked at every step.
 */
export interface TailBuffer {
  /** Keeps the records of a log from `endOffset` on. Watching twice changes nothing. */
  watch(log: string): void;
  unwatch(log: string): void;
  /** Takes the records of one fetch, ascending; gives the watched logs that grew. Then everything below `nextOffset` has been seen. */
  append(records: readonly LogRecord[], nextOffset: number): ReadonlySet<string>;
  covers(log: string, offset: number): boolean;
  /** The records of a log behind an offset, oldest first, at most `recordsMax`. Whole only if the buffer covers that offset. */
  after(log: string, offset: number, recordsMax: number): LogRecord[];
  /** Everything below has been seen. */
  endOffset(): number;
  bytes(): number;
}

interface LogTail {
  readonly key: Buffer;
  /** Whether the key belongs on this partition: logOf is a function of the two. */
  readonly isItsLog: boolean;
  /** Every record of the log at or above this offset and below the end is in `records`. */
  wholeFrom: number;
  records: (KeptRecord | undefined)[];
  /** Records before it have been dropped, and let go; their places are cut off now and then, so that dropping costs a constant. */
  first: number;
}

interface KeptRecord extends LogRecord {
  readonly tail: LogTail;
}

interface Taken {
  readonly tail: LogTail;
  readonly record: LogRecord;
}

/** What a record costs beside its bytes. */
const recordOverheadBytes = 300;

export function createTailBuffer(options: {
  readonly partition: number;
  readonly partitions: number;
  /** Where reading begins; the logs that are watched before the first record are whole from here. */
  readonly fromOffset: number;
  readonly bytesMax: number;
}): TailBuffer {
  const { partition, partitions, bytesMax } = options;
  const logs = new Map<string, LogTail>();
  /** All kept records in the order of their offsets, whichever their log: the oldest goes first. */
  let order: (KeptRecord | undefined)[] = [];
  let orderFirst = 0;
  const room: Room = { free: Buffer.alloc(0) };
  let endOffset = options.fromOffset;
  let bytes = 0;

  const isOverfull = (): boolean => bytes > bytesMax;

  const dropOldest = (): void => {
    const oldest = order[orderFirst];
    if (oldest === undefined) return;
    order[orderFirst] = undefined;
    orderFirst += 1;
    bytes -= sizeOf(oldest);
    const { tail } = oldest;
    // An unwatched log's records still wait here for their turn.
    if (tail.records[tail.first] === oldest) {
      tail.records[tail.first] = undefined;
      tail.first += 1;
      tail.wholeFrom = oldest.offset + 1;
      if (tail.first > 1024 && tail.first * 2 > tail.records.length) {
        tail.records = tail.records.slice(tail.first);
        tail.first = 0;
      }
    }
    if (orderFirst > 4096 && orderFirst * 2 > order.length) {
      order = order.slice(orderFirst);
      orderFirst = 0;
    }
  };

  return {
    watch: (log) => {
      if (logs.has(log)) return;
      const key = Buffer.from(log, 'latin1');
      const isItsLog = logOf(key, partition, partitions) === log;
      logs.set(log, { key, isItsLog, wholeFrom: endOffset, records: [], first: 0 });
    },
    unwatch: (log) => void logs.delete(log),
    append: (records, nextOffset) => {
      const grown = new Set<string>();
      const taken: Taken[] = [];
      for (const record of records) {
        const log = record.key?.toString('latin1') ?? '';
        const tail = logs.get(log);
        if (tail?.isItsLog !== true) continue;
        taken.push({ tail, record });
        grown.add(log);
      }
      for (const kept of detached(taken, room)) {
        kept.tail.records.push(kept);
        order.push(kept);
        bytes += sizeOf(kept);
      }
      endOffset = nextOffset;
      while (isOverfull()) dropOldest();
      return grown;
    },
    covers: (log, offset) => {
      const tail = logs.get(log);
      return tail !== undefined && offset >= tail.wholeFrom - 1;
    },
    after: (log, offset, recordsMax) => {
      const tail = logs.get(log);
      if (tail === undefined) return [];
      const start = firstBehind(tail, offset);
      return tail.records.slice(start, start + recordsMax).filter((record) => record !== undefined);
    },
    endOffset: () => endOffset,
    bytes: () => bytes,
  };
}

function firstBehind(tail: LogTail, offset: number): number {
  let low = tail.first;
  let high = tail.records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tail.records[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Memory for the next values. */
interface Room {
  free: Buffer;
}

/** Asking for memory costs as much as copying some records. */
const roomBytes = 64 * 1024;
/** What is larger has memory of its own: beside it the rest of a room would be wasted. */
const sharedBytesMax = roomBytes / 8;

/**
 * A record's bytes are slices of a whole fetch, most of which may be other tenants'; a kept one must not keep that alive. Values that come one behind the other
 * share memory of their own: they are dropped in the same order.
 */
function detached(taken: readonly Taken[], room: Room): KeptRecord[] {
  const bytes = taken.reduce((sum, { record }) => sum + (record.value?.length ?? 0), 0);
  const isOwn = bytes > sharedBytesMax;
  if (!isOwn && bytes > room.free.length) room.free = Buffer.allocUnsafeSlow(roomBytes);
  const shared = isOwn ? Buffer.allocUnsafeSlow(bytes) : room.free;
  if (!isOwn) room.free = shared.subarray(bytes);
  let at = 0;
  return taken.map(({ tail, record }) => {
    const { partition, offset, timestampMs, value, headers } = record;
    const from = at;
    if (value !== null) at += value.copy(shared, at);
    return {
      partition,
      offset,
      timestampMs,
      key: tail.key,
      value: value === null ? null : shared.subarray(from, at),
      headers: detachedHeaders(headers),
      tail,
    };
  });
}

const noHeaders: LogRecord['headers'] = {};

/** Most records have none. */
function detachedHeaders(headers: LogRecord['headers']): LogRecord['headers'] {
  const entries = Object.entries(headers);
  if (entries.length === 0) return noHeaders;
  return Object.fromEntries(entries.map(([name, value]) => [name, value === undefined ? value : Buffer.from(value)]));
}

function sizeOf(record: LogRecord): number {
  let bytes = recordOverheadBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  if (record.headers === noHeaders) return bytes;
  for (const [name, value] of Object.entries(record.headers)) bytes += name.length + (value?.length ?? 0);
  return bytes;
}
