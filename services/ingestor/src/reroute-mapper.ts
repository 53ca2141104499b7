import type { LogRecord } from '@docket/event';
import type { PublishRecord } from '@docket/kafka';

/** A whole event on a partition that is not its tenant's. */
export interface Stray {
  readonly tenantId: string;
  readonly record: LogRecord;
}

/** Headers of a stray that come to more are left behind: with them it might be more than Kafka takes (1 MiB). */
const headerBytesMax = 64 * 1024;
/** One call of `publish` holds at most this much, far below the publisher's queue: a call that can never fit would be tried for ever. */
const callBytesMax = 8 * 1024 * 1024;
/** What a record costs the publisher beside its bytes, rounded up. */
const recordOverheadBytes = 512;

/** The record that carries a stray to its tenant's partition: the same value, and where it was found. */
export function rerouted({ tenantId, record }: Stray): PublishRecord {
  const found = { 'docket-rerouted-from': `${record.partition}/${record.offset}` };
  return { key: tenantId, value: record.value, headers: { ...headersThatFit(record.headers), ...found } };
}

/** The records in the calls of `publish` that carry them, in order; none is empty. */
export function inCalls(records: readonly PublishRecord[]): PublishRecord[][] {
  const calls: PublishRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const cost = (record.value?.length ?? 0) + headerBytes(record.headers ?? {}) + recordOverheadBytes;
    if (bytes + cost > callBytesMax) {
      calls.push([]);
      bytes = 0;
    }
    calls.at(-1)?.push(record);
    bytes += cost;
  }
  return calls;
}

function headersThatFit(headers: LogRecord['headers']): Record<string, Buffer> {
  const defined = Object.entries(headers).flatMap<[string, Buffer]>(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const kept = Object.fromEntries(defined);
  return headerBytes(kept) > headerBytesMax ? {} : kept;
}

function headerBytes(headers: Readonly<Record<string, Buffer | string>>): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + value.length, 0);
}
