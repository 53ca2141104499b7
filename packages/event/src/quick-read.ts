import { avroPrefixBytes, readOwnBody } from './avro-codec.ts';
import type { CodecLookup } from './columns/column-ledger.ts';
import { createEventCheck } from './columns/event-check.ts';
import { isReserved } from './log-identity.ts';
import { rejectHeader, type LogRecord, type Reading } from './read-record.ts';

/** Reads a record of a known tenant's log; undefined when `readRecord` has to say what it is. */
export type QuickReader = (record: LogRecord, log: string) => Extract<Reading, { kind: 'event' }> | undefined;

/**
 * Makes a reader that gives what `readRecord` gives, for a record that certainly is an event: nearly all are. It is checked on its bytes, and decoded
 * once. `log` MUST be the record's log (logOf).
 */
export function createQuickReader(codecOf: CodecLookup): QuickReader {
  const isCertainlyEvent = createEventCheck();
  let logBytes = Buffer.alloc(0);
  let logName = '';
  return ({ value, headers, timestampMs }, log) => {
    if (value === null || headers[rejectHeader] !== undefined || isReserved(log)) return undefined;
    if (value.length < avroPrefixBytes || value[0] !== 0) return undefined;
    const schemaId = value.readUInt32BE(1);
    if (codecOf(schemaId)?.isOwnLayout !== true) return undefined;
    if (log !== logName) [logName, logBytes] = [log, Buffer.from(log, 'latin1')];
    if (!isCertainlyEvent(value, logBytes, timestampMs)) return undefined;
    return { kind: 'event', log, event: readOwnBody(value.subarray(avroPrefixBytes)), schemaId };
  };
}
