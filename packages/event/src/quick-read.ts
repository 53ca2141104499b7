import { avroPrefixBytes, readOwnBody, schemaIdOf } from './avro-codec.ts';
import type { AuditEvent } from './audit-event.ts';
import { clearSink, createByteSink, putBytes, writtenBytes, type ByteSink } from './columns/byte-sink.ts';
import type { CodecLookup } from './columns/column-ledger.ts';
import { createEventCheck } from './columns/event-check.ts';
import { isReserved } from './log-identity.ts';
import { rejectHeader, type LogRecord, type Reading } from './read-record.ts';
import { createEventTextWriter } from './text/event-text.ts';

/** An event that is known to be one, and is decoded when it is asked for. */
export interface QuickReading extends Extract<Reading, { kind: 'event' }> {
  /** Decoded at every call. */
  readonly event: AuditEvent;
  /**
   * Appends what JSON.stringify writes of the accepted event as `toPublicEvent` gives it, without its closing brace. False, with nothing appended, when that
   * has to be written from `event`.
   */
  putText(seq: number, out: ByteSink): boolean;
}

/**
 * Reads a record of a known tenant's log; undefined when `readRecord` has to say what it is.
 * @param textSeq the record's seq when the text of the event will be asked for next: it is then checked and written in one go
 */
export type QuickReader = (record: LogRecord, log: string, textSeq?: number) => QuickReading | undefined;

/**
 * Makes a reader that gives what `readRecord` gives, for a record that certainly is an event: nearly all are. It is checked on its bytes, and decoded
 * only if somebody asks for more than its text. `log` MUST be the record's log (logOf).
 */
export function createQuickReader(codecOf: CodecLookup): QuickReader {
  const isCertainlyEvent = createEventCheck();
  const writeText = createEventTextWriter();
  let logBytes = Buffer.alloc(0);
  let logName = '';
  const bytesOf = (log: string): Buffer => {
    if (log !== logName) [logName, logBytes] = [log, Buffer.from(log, 'latin1')];
    return logBytes;
  };

  /** Of the one that was read last with a text. */
  const lastText = createByteSink();
  let lastRead: ReadQuickly | undefined;
  let lastSeq = 0;

  const write = (value: Buffer, place: { log: string; seq: number; receivedAtMs: number }, out: ByteSink): boolean =>
    writeText(value, avroPrefixBytes, { ...place, log: bytesOf(place.log) }, out);

  /** A class, for its accessor: one on each object costs as much as the check. */
  class ReadQuickly implements QuickReading {
    readonly kind = 'event';
    readonly log: string;
    readonly schemaId: number;
    readonly #value: Buffer;
    readonly #receivedAtMs: number;

    constructor(log: string, schemaId: number, value: Buffer, receivedAtMs: number) {
      this.log = log;
      this.schemaId = schemaId;
      this.#value = value;
      this.#receivedAtMs = receivedAtMs;
    }

    get event(): AuditEvent {
      return readOwnBody(this.#value.subarray(avroPrefixBytes));
    }

    putText(seq: number, out: ByteSink): boolean {
      if (lastRead !== this || lastSeq !== seq)
        return write(this.#value, { log: this.log, seq, receivedAtMs: this.#receivedAtMs }, out);
      putBytes(out, writtenBytes(lastText));
      return true;
    }
  }

  return ({ value, headers, timestampMs }, log, textSeq) => {
    if (value === null || headers[rejectHeader] !== undefined || isReserved(log)) return undefined;
    const schemaId = schemaIdOf(value);
    if (schemaId === undefined || codecOf(schemaId)?.isOwnLayout !== true) return undefined;
    const reading = new ReadQuickly(log, schemaId, value, timestampMs);
    if (textSeq !== undefined) {
      clearSink(lastText);
      lastRead = reading;
      lastSeq = textSeq;
      if (write(value, { log, seq: textSeq, receivedAtMs: timestampMs }, lastText)) return reading;
      lastRead = undefined;
    }
    return isCertainlyEvent(value, bytesOf(log), timestampMs) ? reading : undefined;
  };
}
