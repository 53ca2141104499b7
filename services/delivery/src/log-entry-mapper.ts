import { eventFromRow, toPublicEvent } from '@docket/event';
import type {
  AuditEvent,
  EventMatcher,
  EventStatus,
  LogRecord,
  PublicEvent,
  QuarantineReason,
  Reading,
  StoredAs,
  StoredEventRow,
} from '@docket/event';

/** Why a record of the log has no event in a batch. */
type SkipReason = 'filtered' | 'duplicate' | 'quarantined' | 'parked' | 'lost';

/** One seq of a log, as delivery sees it. */
export type LogEntry = {
  readonly seq: number;
  /** ms since the epoch: the broker's append time. */
  readonly receivedAtMs: number;
} & (
  { readonly kind: 'event'; readonly event: PublicEvent } | { readonly kind: 'skipped'; readonly reason: SkipReason }
);

/** Accepted and conflicting events are delivered; a conflict is a producer's bug that the receiver sees in `status`. */
function skipReasonOf(status: Exclude<EventStatus, 'accepted' | 'conflict'>): SkipReason {
  // A tenant's log has no rerouted rows: they are in the log of the partition, which nobody can subscribe to.
  return status === 'rerouted' ? 'quarantined' : status;
}

/** `matches` is the subscription's filter. */
export function entryOfRow(row: StoredEventRow, matches: EventMatcher): LogEntry {
  const { seq, status, received_at: receivedAtMs } = row;
  if (status !== 'accepted' && status !== 'conflict') {
    return { seq, receivedAtMs, kind: 'skipped', reason: skipReasonOf(status) };
  }
  return entryOfEvent(eventFromRow(row), { seq, receivedAtMs, status }, matches);
}

/**
 * The entries of consecutive records of one log, the first of which has seq `firstSeq`; each is read when it is asked for. A record from Kafka is judged without the duplicate window: what
 * the index later calls a duplicate is delivered, and its id makes that harmless. Ends before a record whose schema id or MAC key is not known: the
 * index may know it, so it decides; nothing that the index accepts is skipped here.
 */
export function* entriesOfRecords(
  records: readonly LogRecord[],
  firstSeq: number,
  read: (record: LogRecord) => Reading,
  matches: EventMatcher,
): Generator<LogEntry, void, undefined> {
  let seq = firstSeq;
  for (const record of records) {
    const receivedAtMs = record.timestampMs;
    const reading = read(record);
    if (reading.kind === 'quarantined' && isForTheIndex(reading.reason)) return;
    yield reading.kind === 'event'
      ? entryOfEvent(reading.event, { seq, receivedAtMs, status: 'accepted' }, matches)
      : { seq, receivedAtMs, kind: 'skipped', reason: 'quarantined' };
    seq += 1;
  }
}

function entryOfEvent(event: AuditEvent, stored: StoredAs, matches: EventMatcher): LogEntry {
  const { seq, receivedAtMs } = stored;
  if (!matches({ ...stored, event })) return { seq, receivedAtMs, kind: 'skipped', reason: 'filtered' };
  return { seq, receivedAtMs, kind: 'event', event: toPublicEvent(event, stored) };
}

/** What another instance may know, and we do not yet. */
function isForTheIndex(reason: QuarantineReason): boolean {
  return reason === 'unknown_schema' || reason === 'unknown_mac_key';
}
