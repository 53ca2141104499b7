import { eventBytesMax } from '../audit-event.ts';
import { avroPrefixBytes, type EventCodec } from '../avro-codec.ts';
import { createCandidate, setContent, setIdFromColumn } from '../candidate.ts';
import { hashOfContent } from '../content-hash.ts';
import { isReserved, logOf, strayLogOf } from '../log-identity.ts';
import { createPartitionLedger, type LedgerStart } from '../partition-ledger.ts';
import { rejectHeader, type LogRecord } from '../read-record.ts';
import type { EventRows } from './event-rows.ts';

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
}

/** A log that is a tenant's own partition and not reserved: the only one whose records take the fast path. */
interface Home {
  readonly log: string;
  readonly bytes: Buffer;
  readonly number: number;
}

/** Times within this are kept exactly as µs. */
const receivedAtMsMax = 2 ** 42;

export function createColumnLedger(start: ColumnLedgerStart): ColumnLedger {
  const { heads, window, generation } = start;
  const slow = createPartitionLedger(start);
  const homes = new Map<string, Home>();
  const candidate = createCandidate();

  function homeOf(key: Buffer, partition: number): Home | undefined {
    const text = key.toString('latin1');
    const known = homes.get(text);
    if (known !== undefined) return known;
    const log = logOf(key, partition, start.partitions);
    if (log === strayLogOf(partition) || isReserved(log)) return undefined;
    const home = { log, bytes: Buffer.from(log), number: window.logNumber(log) };
    homes.set(text, home);
    return home;
  }

  /** The body as it is when it is ours already, else in our form. */
  function append(codec: EventCodec, value: Buffer, home: Home, { receivedAtMs, rows }: Arrival): boolean {
    const { appender } = rows;
    if (codec.isOwnLayout && appender.append(value, avroPrefixBytes, home.bytes, receivedAtMs)) return true;
    const canonical = orNull(() => codec.canonicalise(value.subarray(avroPrefixBytes)));
    return canonical !== null && appender.append(canonical, 0, home.bytes, receivedAtMs);
  }

  function enterEvent(record: LogRecord, rows: EventRows): boolean {
    const { key, value, partition, offset, timestampMs } = record;
    if (key === null || value === null || record.headers[rejectHeader] !== undefined) return false;
    if (value.length < avroPrefixBytes || value[0] !== 0 || value.length - avroPrefixBytes > eventBytesMax) return false;
    if (timestampMs < 0 || timestampMs > receivedAtMsMax) return false;
    const home = homeOf(key, partition);
    const schemaId = value.readUInt32BE(1);
    const codec = start.codecOf(schemaId);
    if (home === undefined || codec === undefined) return false;
    if (!append(codec, value, home, { receivedAtMs: timestampMs, rows })) return false;

    const { bytes, contentFrom, contentTo } = rows.appender.content;
    const contentHash = hashOfContent(bytes, contentFrom, contentTo);
    candidate.log = home.number;
    setIdFromColumn(candidate, rows.ids, rows.ids.length - 16);
    setContent(candidate, contentHash);
    const status = window.admit(candidate);
    const seq = (heads.get(home.log) ?? 0) + 1;
    heads.set(home.log, seq);
    rows.finish({ seq, status, receivedAtMs: timestampMs, schemaId, contentHash, generation, partition, offset });
    return true;
  }

  return {
    enter(record, rows) {
      if (enterEvent(record, rows)) return null;
      const { row, rerouteTo } = slow.enter(record);
      rows.append(row);
      return rerouteTo;
    },
  };
}

interface Arrival {
  readonly receivedAtMs: number;
  readonly rows: EventRows;
}

function orNull<T>(make: () => T): T | null {
  try {
    return make();
  } catch {
    return null;
  }
}
