import { isAnswerTooLarge } from '@docket/clickhouse';

/**
 * Reads the logs of those who catch up ahead of them: a subscriber that takes batch after batch gets the next one from memory, while more is asked of
 * ClickHouse. How much is read at once grows only with what has been used, and is bounded by rows and bytes; of more subscribers than a few nothing is
 * kept (I8), and they read as they go. What is stored never changes, so that rows which were read earlier are as good as new ones.
 */
export interface ReadAhead<Row extends StoredRow> {
  /** As StoredLog reads them, for one subscription. */
  rows(
    subscriptionId: string,
    tenantId: string,
    afterSeq: number,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly Row[]>;
}

export interface StoredRow {
  readonly seq: number;
}

/** What a reader of such rows may hold. */
export interface ReadAheadLimits<Row> {
  /** At once. */
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** About what a row takes. */
  readonly sizeOf: (row: Row) => number;
}

type Read<Row> = (tenantId: string, afterSeq: number, limit: number, signal: AbortSignal) => Promise<readonly Row[]>;

interface Chunk<Row> {
  readonly rows: readonly Row[];
  /** ClickHouse had no more. */
  readonly isAtEnd: boolean;
}

interface Reader<Row> {
  /** Consecutive, oldest first; those before the cursor are dropped at the next call. */
  rows: readonly Row[];
  /** How many are read at once, from what was read last, and how many as large as those may be. */
  chunkRows: number;
  fittingRows: number;
  /** The chunk behind `rows` is being read; undefined when it failed. */
  following: Promise<Chunk<Row> | undefined> | undefined;
  /** ClickHouse had no more, when it was asked last. */
  isAtEnd: boolean;
}

const readersMax = 8;

export function createReadAhead<Row extends StoredRow>(read: Read<Row>, limits: ReadAheadLimits<Row>): ReadAhead<Row> {
  /** Least recently used first. */
  const readers = new Map<string, Reader<Row>>();

  const readerOf = (id: string): Reader<Row> => {
    const reader = readers.get(id) ?? {
      rows: [],
      chunkRows: 0,
      fittingRows: limits.rowsMax,
      following: undefined,
      isAtEnd: false,
    };
    readers.delete(id);
    readers.set(id, reader);
    const [oldest] = readers.keys();
    if (readers.size > readersMax && oldest !== undefined) readers.delete(oldest);
    return reader;
  };

  /** What comes next may be far larger than what came last: then a quarter of the rows is asked for, and so on; one is always read (I8). */
  const readFitting: (...asked: Parameters<Read<Row>>) => Promise<Chunk<Row>> = async (
    tenantId,
    afterSeq,
    limit,
    signal,
  ) => {
    for (let asked = limit; ; asked = Math.ceil(asked / 4)) {
      try {
        const rows = await read(tenantId, afterSeq, asked, signal);
        return { rows, isAtEnd: rows.length < asked };
      } catch (error) {
        if (asked === 1 || !isAnswerTooLarge(error)) throw error;
      }
    }
  };

  /** Takes in what was read behind `rows`. */
  const take = (reader: Reader<Row>, { rows, isAtEnd }: Chunk<Row>): void => {
    reader.rows = [...reader.rows, ...rows];
    reader.isAtEnd = isAtEnd;
    if (rows.length === 0) return;
    reader.fittingRows = fittingRows(rows, limits);
    // Twice as many as were of use.
    reader.chunkRows = Math.min(rows.length * 2, reader.fittingRows);
  };

  return {
    rows: async (subscriptionId, tenantId, afterSeq, limit, signal) => {
      const reader = readerOf(subscriptionId);
      const chunkRows = Math.max(limit, reader.chunkRows);
      reader.rows = rowsBehind(reader.rows, afterSeq);
      if (reader.rows.length < limit && reader.following !== undefined) {
        const following = await reader.following;
        reader.following = undefined;
        const rows = rowsBehind(following?.rows ?? [], reader.rows.at(-1)?.seq ?? afterSeq);
        take(reader, { rows, isAtEnd: following?.isAtEnd === true });
      }
      if (reader.rows.length === 0) {
        // Of large rows not so many that they would be read in vain.
        const asked = Math.min(limit, reader.fittingRows);
        take(reader, await readFitting(tenantId, afterSeq, asked, signal));
      }
      const lastSeq = reader.rows.at(-1)?.seq;
      const isRunningOut = reader.rows.length - limit < chunkRows / 2;
      if (lastSeq !== undefined && reader.following === undefined && !reader.isAtEnd && isRunningOut) {
        const asked = Math.min(Math.max(limit, reader.chunkRows), reader.fittingRows);
        // Whoever asks next meets the failure, by asking ClickHouse itself.
        reader.following = readFitting(tenantId, lastSeq, asked, signal).catch(() => undefined);
      }
      return reader.rows.slice(0, limit);
    },
  };
}

/** Those from the one with the seq behind `afterSeq` on; none without that one. */
function rowsBehind<Row extends StoredRow>(rows: readonly Row[], afterSeq: number): readonly Row[] {
  const index = afterSeq + 1 - (rows[0]?.seq ?? Number.POSITIVE_INFINITY);
  return index < 0 ? [] : rows.slice(index);
}

/** So many rows as large as these may be read at once; at least one. */
function fittingRows<Row>(rows: readonly Row[], { rowsMax, bytesMax, sizeOf }: ReadAheadLimits<Row>): number {
  const bytes = rows.reduce((sum, row) => sum + sizeOf(row), 0);
  return Math.max(1, Math.min(Math.floor((bytesMax * rows.length) / bytes), rowsMax));
}

const fieldBytes = 8;

/** About what a value takes. */
export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return fieldBytes + value.length;
  if (typeof value !== 'object' || value === null) return fieldBytes;
  return Object.values(value).reduce((sum: number, inner) => sum + valueBytes(inner), fieldBytes);
}
