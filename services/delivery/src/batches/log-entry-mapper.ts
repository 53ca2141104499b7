import { eventFromRow, putBytes, toPublicEvent } from '@docket/event';
import type { StoredText } from '@docket/clickhouse';
import type {
  ByteSink,
  EventMatcher,
  EventStatus,
  LogRecord,
  PublicEvent,
  QuarantineReason,
  QuickReading,
  Reading,
  StoredAs,
  StoredEventRow,
} from '@docket/event';

import { mayBeNotice } from '../notices/notice-event-mapper.ts';
import type { OwnNotices } from '../notices/notice-event-mapper.ts';

/** Why a record of the log has no event in a batch. */
type SkipReason = 'filtered' | 'duplicate' | 'quarantined' | 'parked' | 'lost';

/** One seq of a log, as delivery sees it. */
export type LogEntry = {
  readonly seq: number;
  /** ms since the epoch: the broker's append time. */
  readonly receivedAtMs: number;
} & (
  | {
      readonly kind: 'event';
      /** Perhaps decoded only when it is asked for. */
      readonly event: PublicEvent;
      /** Appends JSON.stringify of the event without its closing brace; false, with nothing appended, when it has to be written from `event`. */
      putText?(out: ByteSink): boolean;
    }
  | { readonly kind: 'skipped'; readonly reason: SkipReason }
);

/** Accepted and conflicting events are delivered; a conflict is a producer's bug that the receiver sees in `status`. */
function skipReasonOf(status: Exclude<EventStatus, 'accepted' | 'conflict'>): SkipReason {
  // A tenant's log has no rerouted rows: they are in the log of the partition, which nobody can subscribe to.
  return status === 'rerouted' ? 'quarantined' : status;
}

/** `matches` is the subscription's filter; undefined: everything does. */
export function entryOfRow(row: StoredEventRow, matches: EventMatcher | undefined): LogEntry {
  const { seq, status, received_at: receivedAtMs } = row;
  if (status !== 'accepted' && status !== 'conflict') {
    return { seq, receivedAtMs, kind: 'skipped', reason: skipReasonOf(status) };
  }
  const event = eventFromRow(row);
  const stored = { seq, receivedAtMs, status } as const;
  if (matches?.({ ...stored, event }) === false) return { seq, receivedAtMs, kind: 'skipped', reason: 'filtered' };
  return { seq, receivedAtMs, kind: 'event', event: toPublicEvent(event, stored) };
}

/** The same for whom everything matches, but for the notices that `isOwn` tells. */
export function entryOfText(stored: StoredText, isOwn: OwnNotices): LogEntry {
  const { seq, status, receivedAtMs, text } = stored;
  if (status !== 'accepted' && status !== 'conflict') {
    return { seq, receivedAtMs, kind: 'skipped', reason: skipReasonOf(status) };
  }
  const entry = new EntryOfText(stored);
  if (mayBeNotice(text) && isOwn(entry.event)) return { seq, receivedAtMs, kind: 'skipped', reason: 'filtered' };
  return entry;
}

/**
 * The entries of consecutive records of one log, the first of which has seq `firstSeq`; each is read when it is asked for. A record from Kafka is judged without the duplicate window: what
 * the index later calls a duplicate is delivered, and its id makes that harmless. Ends before a record whose schema id or MAC key is not known: the
 * index may know it, so it decides; nothing that the index accepts is skipped here.
 */
export function* entriesOfRecords(
  records: readonly LogRecord[],
  firstSeq: number,
  read: (record: LogRecord, seq: number) => Reading | QuickReading,
  matches: EventMatcher | undefined,
  isOwn: OwnNotices = () => false,
): Generator<LogEntry, void, undefined> {
  let seq = firstSeq;
  for (const record of records) {
    const receivedAtMs = record.timestampMs;
    const reading = read(record, seq);
    if (reading.kind === 'quarantined' && isForTheIndex(reading.reason)) return;
    yield reading.kind === 'event'
      ? entryOfReading(reading, { seq, receivedAtMs, status: 'accepted' }, matches, isOwn)
      : { seq, receivedAtMs, kind: 'skipped', reason: 'quarantined' };
    seq += 1;
  }
}

/** Nothing is decoded that nobody looks at. */
function entryOfReading(
  reading: Extract<Reading, { kind: 'event' }> | QuickReading,
  stored: StoredAs,
  matches: EventMatcher | undefined,
  isOwn: OwnNotices,
): LogEntry {
  const { seq, receivedAtMs } = stored;
  if (matches?.({ ...stored, event: reading.event }) === false)
    return { seq, receivedAtMs, kind: 'skipped', reason: 'filtered' };
  // Docket's own events are never read quickly: their MAC has to be checked.
  if (!('putText' in reading) && isOwn(reading.event))
    return { seq, receivedAtMs, kind: 'skipped', reason: 'filtered' };
  if (!('putText' in reading)) return { seq, receivedAtMs, kind: 'event', event: toPublicEvent(reading.event, stored) };
  return new EntryOnDemand(seq, receivedAtMs, reading);
}

/** Classes, for their accessors: one on each object costs more than everything else here. */
class EntryOnDemand {
  readonly kind = 'event';
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly #reading: QuickReading;

  constructor(seq: number, receivedAtMs: number, reading: QuickReading) {
    this.seq = seq;
    this.receivedAtMs = receivedAtMs;
    this.#reading = reading;
  }

  get event(): PublicEvent {
    const { seq, receivedAtMs } = this;
    return toPublicEvent(this.#reading.event, { seq, receivedAtMs, status: 'accepted' });
  }

  putText(out: ByteSink): boolean {
    return this.#reading.putText(this.seq, out);
  }
}

/** Of the JSON that ClickHouse has written. */
class EntryOfText {
  readonly kind = 'event';
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly #text: Buffer;

  constructor({ seq, receivedAtMs, text }: StoredText) {
    this.seq = seq;
    this.receivedAtMs = receivedAtMs;
    this.#text = text;
  }

  get event(): PublicEvent {
    return JSON.parse(this.#text.toString()) as PublicEvent;
  }

  putText(out: ByteSink): boolean {
    putBytes(out, this.#text.subarray(0, -1));
    return true;
  }
}

/** What another instance may know, and we do not yet. */
function isForTheIndex(reason: QuarantineReason): boolean {
  return reason === 'unknown_schema' || reason === 'unknown_mac_key';
}
