import type { LogRecord } from '@docket/event';
import type { Batch } from 'kafkajs';

import { partOf } from './fetch/fetched-part.ts';
import type { FetchedPart } from './fetch/fetched-part.ts';
import { toLogRecord } from './log-record-mapper.ts';

/** Where the fetch began. kafkajs has it on every batch, but not in its types. */
export function fetchedOffsetOf(batch: object): number {
  const offset = Number(Reflect.get(batch, 'fetchedOffset'));
  if (!Number.isSafeInteger(offset)) throw new TypeError('kafkajs no longer says where a fetch began');
  return offset;
}

/** What kafkajs hands over as a batch, whichever decoder made it; nothing from before where the fetch began. */
export function fetchedPartOf(batch: Batch): FetchedPart {
  const part = partOf(batch.messages[0]);
  if (part === undefined) {
    const records = batch.messages.map((message) => toLogRecord(batch.partition, message));
    return { kind: 'records', records, lastOffset: Number(batch.lastOffset()) };
  }
  return part.kind === 'records' ? { ...part, records: recordsFrom(part.records, fetchedOffsetOf(batch)) } : part;
}

/** The first batch of a fetch may begin before the offset that was asked for. */
function recordsFrom(records: readonly LogRecord[], offset: number): readonly LogRecord[] {
  const [first] = records;
  return first === undefined || first.offset >= offset ? records : records.filter((record) => record.offset >= offset);
}
