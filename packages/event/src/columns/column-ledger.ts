import { eventBytesMax } from '../audit-event.ts';
import { avroPrefixBytes, type EventCodec } from '../avro-codec.ts';
import { createCandidate, setContent, setIdFromColumn } from '../candidate.ts';
import { hashOfContent } from '../content-hash.ts';
import { createPartitionLedger, type LedgerStart } from '../partition-ledger.ts';
import { rejectHeader, type LogRecord } from '../read-record.ts';
import type { EventRows, Judged } from './event-rows.ts';
import { createHomeTable, type Home } from './home-table.ts';
import type { RowReader } from './row-reader.ts';
import { withdrawRefused, type WaitingRows } from './withdraw-refused.ts';

/** How bodies of a schema id are read; undefined when the id is no version of audit.events-value, or cannot be read as ours. */
export type CodecLookup = (schemaId: number) => EventCodec | undefined;

export interface ColumnLedgerStart extends LedgerStart {
  readonly codecOf: CodecLookup;
}

/**
 * createPartitionLedger for the speed of the hardware: the same rows, to the byte, written straight into columns. An event
 * that passes every check on its bytes becomes a row without an object; whatever else a record is, the slow path says.
 */
export interface ColumnLedger {
  /**
   * Appends the record's row. Gives the tenant under whose key a stray is published again before its row is written, else
   * null. MUST be given every data record from the position on, once and in offset order (I2, I3).
   */
  enter(record: LogRecord, rows: EventRows): string | null;
  /** The database has refused a row of this partition: see withdrawRefused. */
  withdraw(refused: { readonly reader: RowReader; readonly row: number }, later: readonly WaitingRows[]): void;
}

/** Times within this are kept exactly as µs. */
const receivedAtMsMax = 2 ** 42;

export function createColumnLedger(start: ColumnLedgerStart): ColumnLedger {
  const { heads, window } = start;
  const slow = createPartitionLedger(start);
  const homes = createHomeTable({
    partitions: start.partitions,
    open: (log) => ({ number: window.logNumber(log), head: heads.get(log) ?? 0 }),
  });
  const candidate = createCandidate();
  const judged: Judged = { seq: 0, status: 'accepted', schemaId: 0, generation: start.generation };

  /** The body as it is when it is ours already, else in our form. */
  function append(
    codec: EventCodec,
    value: Buffer,
    home: Home,
    receivedAtMs: number,
    { appender }: EventRows,
  ): boolean {
    if (codec.isOwnLayout && appender.append(value, avroPrefixBytes, home.bytes, receivedAtMs)) return true;
    const canonical = orNull(() => codec.canonicalise(value.subarray(avroPrefixBytes)));
    return canonical !== null && appender.append(canonical, 0, home.bytes, receivedAtMs);
  }

  function enterEvent(record: LogRecord, home: Home, rows: EventRows): boolean {
    const { value, timestampMs } = record;
    if (value === null || record.headers[rejectHeader] !== undefined) return false;
    if (value.length < avroPrefixBytes || value[0] !== 0 || value.length - avroPrefixBytes > eventBytesMax)
      return false;
    if (timestampMs < 0 || timestampMs > receivedAtMsMax) return false;
    const schemaId = value.readUInt32BE(1);
    const codec = start.codecOf(schemaId);
    if (codec === undefined || !append(codec, value, home, timestampMs, rows)) return false;

    const { bytes, contentFrom, contentTo } = rows.appender.content;
    candidate.log = home.number;
    setIdFromColumn(candidate, rows.ids, rows.ids.length - 16);
    setContent(candidate, hashOfContent(bytes, contentFrom, contentTo));
    home.head += 1;
    judged.seq = home.head;
    judged.status = window.admit(candidate);
    judged.schemaId = schemaId;
    rows.finish(record, judged, candidate);
    return true;
  }

  return {
    withdraw: (refused, later) => withdrawRefused(window, refused, later),
    enter(record, rows) {
      const home = record.key === null ? undefined : homes.find(record.key, record.partition);
      if (home !== undefined && enterEvent(record, home, rows)) return null;
      if (home !== undefined) heads.set(home.log, home.head);
      const { row, rerouteTo } = slow.enter(record);
      if (home !== undefined) home.head += 1;
      rows.append(row);
      return rerouteTo;
    },
  };
}

function orNull<T>(make: () => T): T | null {
  try {
    return make();
  } catch {
    return null;
  }
}
