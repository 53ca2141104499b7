import { clearSink, createByteSink, putText, putVarUInt, writtenBytes, type ByteSink } from '@docket/event';
import { parseNativeType, wireTypeOf } from './column-type-mapper.ts';
import { createColumnWriter } from './column-writers.ts';
import { copyRows } from './copy-rows.ts';

/** A column of an insert: its name in the table, and its type there or the type in which it is sent. */
export interface BlockColumn<Name extends string = string> {
  readonly name: Name;
  readonly type: string;
}

/** Far above the ingestor's 100,000 rows and 64 MiB: reaching one of them is a bug of the caller, not a condition. */
const blockRowsMax = 1_000_000;
const blockBytesMax = 512 * 1024 * 1024;

/**
 * Rows on their way to ClickHouse, as the columns of one block of its Native format. Its memory is kept for the next block.
 */
export interface Block<Row> {
  readonly columns: readonly BlockColumn[];
  readonly rows: number;
  /** Of the values so far; names, types and counts come on top (a few KiB). */
  readonly bytes: number;
  /**
   * Adds a row: text, UUIDs and Enum8 names as strings, String also as bytes, UInt64 as number or bigint, DateTime64 as an
   * integer in its own unit, Map as an object, Array as an array. Throws a TypeError on another shape, and then the block
   * MUST be cleared; throws a RangeError beyond 1,000,000 rows or 512 MiB.
   */
  append(row: Row): void;
  /** The sinks of a column in the order of the Native format, for who writes values without a row. */
  sinksOf(column: keyof Row & string): readonly ByteSink[];
  /** One more value stands in every column. Throws a RangeError beyond 1,000,000 rows. */
  rowWritten(): void;
  /** A new block of rows `from` to `to`, the last not included, as they are now. */
  slice(from: number, to: number): Block<Row>;
  /** The whole block. The chunks are views: they are good until the next `append` or `clear`. */
  chunks(): Buffer[];
  clear(): void;
}

export function createBlock<Row extends object>(columns: readonly BlockColumn<keyof Row & string>[]): Block<Row> {
  const sent = columns.map(({ name, type }) => ({ name, type: wireTypeOf(type) }));
  const types = sent.map(({ type }) => parseNativeType(type));
  const writers = types.map(createColumnWriter);
  const names = sent.map(({ name }) => name);
  const sinks: readonly ByteSink[] = writers.flatMap((writer) => writer.sinks);
  let rows = 0;

  function bytes(): number {
    let sum = 0;
    for (const sink of sinks) sum += sink.length;
    return sum;
  }

  return {
    columns: sent,
    get rows() {
      return rows;
    },
    get bytes() {
      return bytes();
    },
    append(row) {
      if (rows >= blockRowsMax || bytes() >= blockBytesMax) {
        throw new RangeError(`a block of ${rows} rows and ${bytes()} bytes is full`);
      }
      // Indexed, not entries(): this loop runs for every value that is ever stored.
      for (let index = 0; index < writers.length; index++) {
        const name = names[index];
        if (name !== undefined) writers[index]?.append(row[name]);
      }
      rows++;
    },
    sinksOf: (column) => writers[names.indexOf(column)]?.sinks ?? [],
    rowWritten() {
      if (rows >= blockRowsMax) throw new RangeError(`a block of ${rows} rows is full`);
      rows++;
    },
    slice(from, to) {
      const part = createBlock<Row>(columns);
      for (const [index, type] of types.entries()) {
        const name = names[index];
        if (name !== undefined) copyRows(type, writers[index]?.sinks ?? [], part.sinksOf(name), { from, to });
      }
      for (let row = from; row < to; row++) part.rowWritten();
      return part;
    },
    chunks() {
      const header = createByteSink();
      putVarUInt(header, sent.length);
      putVarUInt(header, rows);
      const chunks: Buffer[] = [writtenBytes(header)];
      for (const [index, { name, type }] of sent.entries()) {
        const heading = createByteSink();
        putText(heading, name);
        putText(heading, type);
        chunks.push(writtenBytes(heading));
        for (const sink of writers[index]?.sinks ?? []) if (sink.length > 0) chunks.push(writtenBytes(sink));
      }
      return chunks;
    },
    clear() {
      rows = 0;
      sinks.forEach(clearSink);
    },
  };
}
