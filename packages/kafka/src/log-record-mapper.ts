import type { KafkaMessage } from 'kafkajs';
import type { LogRecord } from '@docket/event';

type HeaderValues = KafkaMessage['headers'];

/** Kafka allows a header twice; the last one counts, as in the Java client's `lastHeader`. */
function headersOf(headers: HeaderValues): Record<string, Buffer | undefined> {
  // By entries and not by assignment: a header may be called __proto__.
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, values]) => {
      const value = Array.isArray(values) ? values.at(-1) : values;
      // A header without a value is null on the wire, whatever the types say.
      return [name, typeof value === 'string' ? Buffer.from(value) : (value ?? undefined)];
    }),
  );
}

export function toLogRecord(partition: number, message: KafkaMessage): LogRecord {
  return {
    partition,
    // Offsets are 64-bit on the wire; a partition with more than 2^53 records would take 28,000 years at 10,000 a second.
    offset: Number(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: headersOf(message.headers),
  };
}
