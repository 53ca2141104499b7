import { createQuickReader, readRecord, schemaIdOf } from '@docket/event';
import type { LogRecord, QuickReader, RecordMac } from '@docket/event';
import type { EventCodecs, Topology } from '@docket/kafka';

import { entriesOfRecords } from '../batches/log-entry-mapper.ts';
import { batchOf, found, limitsOf } from './log-read-mapper.ts';
import type { ReadRequest, SourceRead } from './log-read-mapper.ts';
import { ownNoticesOf } from '../notices/notice-event-mapper.ts';
import { entriesWithin } from './replay-bounds.ts';
import type { SubscriptionEncoding } from '../batches/subscription-encoding.ts';
import type { Filters } from './subscription-filter.ts';

/**
 * Reads from the tail what is behind a cursor that is cut at `offset`. Undefined when the tail cannot say: it does not reach back so far, or a schema is not
 * known to us.
 */
export type TailReader = (request: ReadRequest, offset: number) => Promise<SourceRead | undefined>;

/** Records beside events: skipped ones cost next to nothing, but each has to be judged. */
const tailRecordsMax = 2_000;

/** One for all partitions of a process: it takes milliseconds to make, and 0.6 MiB. */
const quickReaders = new WeakMap<EventCodecs, QuickReader>();

function quickReaderOf(decoders: EventCodecs): QuickReader {
  const reader = quickReaders.get(decoders) ?? createQuickReader(decoders.codecOf);
  quickReaders.set(decoders, reader);
  return reader;
}

export function createTailReader(ports: {
  readonly decoders: EventCodecs;
  readonly mac: RecordMac;
  readonly topology: Topology;
  readonly encodingOf: SubscriptionEncoding;
  readonly filterOf: Filters;
}): TailReader {
  const { decoders, mac, topology, encodingOf, filterOf } = ports;
  const rules = { partitions: topology.partitions, decoderOf: decoders.decoderOf, mac };
  const readQuickly = quickReaderOf(decoders);
  /** `isText`: what is read is passed on as its text. */
  const readerOf = (log: string, isText: boolean) => (record: LogRecord, seq: number) =>
    readQuickly(record, log, isText ? seq : undefined) ?? readRecord(record, rules);

  /** Its schema is known: there is nothing to wait for. */
  const isReadable = ({ value }: LogRecord): boolean => {
    const schemaId = value === null ? undefined : schemaIdOf(value);
    return schemaId === undefined || decoders.codecOf(schemaId) !== undefined;
  };

  return async (request, offset) => {
    const { subscription, tail, cursor, toSeq } = request;
    const log = subscription.tenant_id;
    if (!tail.covers(log, offset)) return undefined;
    // The tail may still be on its way to the cursor.
    const seenThrough = Math.max(offset, tail.endOffset() - 1);
    const limits = limitsOf(request);
    const encoding = encodingOf(subscription);
    // Without a filter nearly every record is an event; one more than fits tells whether there is more.
    const likely =
      subscription.filter === undefined
        ? Math.min(limits.eventsMax, encoding.eventsMax) + 1 + request.without.size
        : tailRecordsMax;
    const wanted = toSeq === null ? Math.min(likely, tailRecordsMax) : toSeq - cursor.seq;
    const records = tail.after(log, offset, wanted);
    if (records.length === 0) return { source: 'tail', result: { kind: 'nothing', offset: seenThrough } };
    if (!records.every(isReadable)) await decoders.prepare(records, request.signal);
    const matches = filterOf(subscription);
    const read = readerOf(log, encoding.isPlain && matches === undefined);
    const behindCursor = entriesOfRecords(records, cursor.seq + 1, read, matches, ownNoticesOf(subscription.id));
    const entries = entriesWithin(subscription, behindCursor);
    const batch = batchOf(request, entries, encoding);
    if (batch === undefined) return undefined;
    const taken = batch.toSeq - cursor.seq;
    const isWhole = taken === records.length && records.length < wanted;
    const lastOffset = records[taken - 1]?.offset ?? null;
    return found(subscription, 'tail', batch, {
      offset: isWhole ? seenThrough : lastOffset,
      mayHaveMore: !isWhole,
    });
  };
}
