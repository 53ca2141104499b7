import { avroPrefixBytes, readOwnBody, schemaIdOf } from './avro-codec.ts';
import type { AuditEvent } from './audit-event.ts';
import type { ByteSink } from './columns/byte-sink.ts';
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

/** Reads a record of a known tenant's log; undefined when `readRecord` has to say what it is. */
export type QuickReader = (record: LogRecord, log: string) => QuickReading | undefined;

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
      const place = { seq, log: bytesOf(this.log), receivedAtMs: this.#receivedAtMs };
      return writeText(this.#value, avroPrefixBytes, place, out);
    }
  }

  return ({ value, headers, timestampMs }, log) => {
    if (value === null || headers[rejectHeader] !== undefined || isReserved(log)) return undefined;
    const schemaId = schemaIdOf(value);
    if (schemaId === undefined || codecOf(schemaId)?.isOwnLayout !== true) return undefined;
    if (!isCertainlyEvent(value, bytesOf(log), timestampMs)) return undefined;
    return new ReadQuickly(log, schemaId, value, timestampMs);
  };
}
