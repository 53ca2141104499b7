import { eventColumns, type EventRow } from '../event-row.ts';
import type { ByteSink } from './byte-sink.ts';
import { eventSteps } from './event-steps.ts';
import { createSource, doubt, pointAt, type Source } from './source.ts';

/** A block of event rows in ClickHouse's Native format, as far as rows are written into it. */
export interface EventBlock {
  /** The sinks of a column in the order of the Native format: ends before items, nulls before values, keys before values. */
  sinksOf(column: keyof EventRow): readonly ByteSink[];
  /** Appends a whole row. */
  append(row: EventRow): void;
  /** Every column holds one value more than `rows` says. Throws a RangeError when the block is full. */
  rowWritten(): void;
}

export interface EventAppender {
  /**
   * Appends what an event in canonical form fills of a row; the body is the buffer from `from` on. False, with nothing
   * appended, unless it certainly is an event of this log within every limit: the slow path then says what it is.
   */
  append(body: Uint8Array, from: number, log: Uint8Array, arrivalMs: number): boolean;
  /** Of the body that was appended last: the range of `bytes` that its content hash covers. */
  readonly content: Readonly<Pick<Source, 'bytes' | 'contentFrom' | 'contentTo'>>;
}

export function createEventAppender(block: EventBlock): EventAppender {
  const columns = new Map<string, readonly ByteSink[]>(eventColumns.map(({ name }) => [name, block.sinksOf(name)]));
  const { read } = eventSteps((column) => columns.get(column) ?? []);
  const sinks = [...columns.values()].flat();
  const source = createSource();

  return {
    append(body, bodyFrom, log, arrivalMs) {
      for (const sink of sinks) sink.mark = sink.length;
      const from = pointAt(source, body, bodyFrom);
      source.log = log;
      source.arrivalMs = arrivalMs;
      const end = read(source, from);
      if (end === source.end && end !== doubt) return true;
      for (const sink of sinks) sink.length = sink.mark;
      return false;
    },
    content: source,
  };
}
