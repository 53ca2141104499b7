import type { LogRecord } from '@docket/event';
import type { PassedRange } from '@docket/kafka';
import { partitions, tenants, type Meaning } from './events.ts';
import type { Oracle } from './oracle.ts';

/** Before and after this moment the received month differs; brokers' clocks differ too, so it is crossed in both directions. */
const monthEndMs = Date.UTC(2026, 11, 1);

interface Log {
  /** By offset; null holds no data: an aborted record or a transaction's marker. */
  entries: (LogRecord | null)[];
  /** The first offset that retention has left. */
  start: number;
  incarnation: number;
  /** The month in which the partition's leader believes to be. */
  isNextMonth: boolean;
  noted: PassedRange | undefined;
}

export type Fetch =
  | { readonly kind: 'records'; readonly records: readonly LogRecord[]; readonly nextOffset: number }
  /** The log does not hold the offset; kafkajs would go on here. */
  | { readonly kind: 'out_of_range'; readonly foundOffset: number };

/** What Kafka promises: a log for each partition, offsets with gaps, retention, LogAppendTime. */
export interface ModelKafka {
  append(partition: number, key: Buffer | null, meaning: Meaning): void;
  /** As a producer with the right partitioner does. */
  publish(key: string, value: Buffer | null): void;
  appendGap(partition: number, offsets: number): void;
  changeMonth(partition: number): void;
  /** Retention: removes everything below the offset. */
  removeBelow(partition: number, offset: number): void;
  /** An operator deletes the topic and makes it anew, with other records. */
  recreate(partition: number, meanings: readonly (readonly [Buffer | null, Meaning])[]): void;
  /** Another number after the topic was made anew: whoever reads the old one gets nothing more. */
  incarnation(partition: number): number;
  /** A commit of anybody's; Kafka keeps the last one, until the topic is deleted. */
  note(partition: number, passed: PassedRange): void;
  noted(partition: number): PassedRange | undefined;
  start(partition: number): number;
  end(partition: number): number;
  fetch(partition: number, offset: number, entriesMax: number): Fetch;
}

const noHeaders = {};

export function createModelKafka(oracle: Oracle): ModelKafka {
  const logs: Log[] = Array.from({ length: partitions }, () => ({
    entries: [],
    start: 0,
    incarnation: 0,
    isNextMonth: false,
    noted: undefined,
  }));
  const meaningOf = new Map<Buffer, Meaning>();

  const logOf = (partition: number): Log => {
    const log = logs[partition];
    if (log === undefined) throw new Error(`there is no partition ${partition}`);
    return log;
  };

  function put(partition: number, key: Buffer | null, meaning: Meaning): LogRecord {
    const { entries, isNextMonth, incarnation } = logOf(partition);
    const offset = entries.length;
    const timestampMs = (isNextMonth ? monthEndMs : monthEndMs - 60_000) + 10_000 * incarnation + offset;
    const record = { partition, offset, timestampMs, key, value: meaning.value, headers: noHeaders };
    entries.push(record);
    if (meaning.value !== null) meaningOf.set(meaning.value, meaning);
    return record;
  }

  return {
    append(partition, key, meaning) {
      oracle.appended(put(partition, key, meaning), meaning);
    },
    publish(key, value) {
      const tenant = tenants.find(({ name }) => name === key);
      const meaning = value === null ? undefined : meaningOf.get(value);
      if (tenant === undefined || meaning === undefined) throw new Error(`a stray of nobody, for ${key}`);
      oracle.rerouted(meaning);
      this.append(tenant.home, Buffer.from(key), meaning);
    },
    appendGap(partition, offsets) {
      for (let n = 0; n < offsets; n += 1) logOf(partition).entries.push(null);
    },
    changeMonth(partition) {
      const log = logOf(partition);
      log.isNextMonth = !log.isNextMonth;
    },
    removeBelow(partition, offset) {
      const log = logOf(partition);
      log.start = Math.max(log.start, Math.min(offset, log.entries.length));
    },
    recreate(partition, meanings) {
      const log = logOf(partition);
      log.entries = [];
      log.start = 0;
      log.incarnation += 1;
      log.noted = undefined;
      for (const [key, meaning] of meanings) put(partition, key, meaning);
      oracle.recreated(partition);
    },
    incarnation: (partition) => logOf(partition).incarnation,
    note(partition, passed) {
      logOf(partition).noted = passed;
    },
    noted: (partition) => logOf(partition).noted,
    start: (partition) => logOf(partition).start,
    end: (partition) => logOf(partition).entries.length,
    fetch(partition, offset, entriesMax) {
      const { entries, start } = logOf(partition);
      if (offset < start || offset > entries.length)
        return { kind: 'out_of_range', foundOffset: offset < start ? start : 0 };
      const nextOffset = Math.min(entries.length, offset + entriesMax);
      const records: LogRecord[] = [];
      for (let at = offset; at < nextOffset; at += 1) {
        const entry = entries[at];
        if (entry !== null && entry !== undefined) records.push(entry);
      }
      return { kind: 'records', records, nextOffset };
    },
  };
}
