import { ClickHouseError, type RequestOptions } from '@docket/clickhouse';
import type { AnswerBytes } from './answer-bytes.ts';

/** ClickHouse makes the rows of a page before it sends the first one: so many of the largest events take it 80 MB. */
const rowsOfAnySize = 100;
/** What it gets for more rows, some ten times what a thousand usual events take it. */
const manyRowsMemoryBytes = 128 * 1024 * 1024;
/** Asked for in their place where that does not suffice: 8 MiB of the largest events. */
const largeRows = 32;
/** MEMORY_LIMIT_EXCEEDED. */
const outOfMemoryCode = 241;

/** Some of the rows that were asked for, in their order. */
export interface ReadRows<Row> {
  readonly rows: readonly Row[];
  /** There are more behind them. */
  readonly hasMore: boolean;
}

export type Bounded<Rows> = Rows & {
  /** As ClickHouse has written them. */
  readonly bytes: number;
};

/** Reads at most `limit` rows with these options, until `bytes` are cut. */
export type RowsWork<Rows> = (limit: number, options: RequestOptions, bytes: AnswerBytes) => Promise<Rows>;

/**
 * Reads rows that may be large: those for which there is room here and in ClickHouse, at least one if there is any. What `open` gives is
 * held when there are rows, and released when there are none.
 * @param open for a page, or a single row, which has no limit of its own: there is always a way past the largest one
 */
export async function readBounded<Rows extends ReadRows<unknown>>(
  limit: number,
  options: RequestOptions,
  open: (isSingle: boolean) => AnswerBytes,
  work: RowsWork<Rows>,
): Promise<Bounded<Rows>> {
  const readAtMost = async (rowsMax: number, settings: RequestOptions['settings'] = {}): Promise<Bounded<Rows>> => {
    const bytes = open(rowsMax === 1);
    let isHeld = false;
    try {
      const bounded = { ...options, settings: { ...options.settings, ...settings }, takes: bytes.takes };
      const found = await work(rowsMax, bounded, bytes);
      isHeld = found.rows.length > 0;
      if (!isHeld) bytes.requireRoom();
      if (isHeld || !bytes.isFull()) return { ...found, bytes: bytes.held() };
    } finally {
      if (!isHeld) bytes.release();
    }
    return readAtMost(1);
  };
  if (limit <= rowsOfAnySize) return readAtMost(limit);
  try {
    return await readAtMost(limit, { max_memory_usage: manyRowsMemoryBytes });
  } catch (error) {
    if (!(error instanceof ClickHouseError) || error.code !== outOfMemoryCode) throw error;
    return readAtMost(largeRows);
  }
}
