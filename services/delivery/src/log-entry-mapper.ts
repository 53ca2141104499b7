import { eventFromRow, readRecord, toPublicEvent } from '@docket/event';
import type {
  EventStatus,
  LogRecord,
  PublicEvent,
  QuarantineReason,
  ReadingRules,
  StoredEventRow,
} from '@docket/event';

/** Why a seq of the log has no event in a batch. The names are the envelope's. */
export type SkipReason = 'duplicate' | 'quarantined' | 'lost';

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

export function entryOfRow(row: StoredEventRow): LogEntry {
  const { seq, status, received_at: receivedAtMs } = row;
  if (status !== 'accepted' && status !== 'conflict') {
    return { seq, receivedAtMs, kind: 'skipped', reason: skipReasonOf(status) };
  }
  return { seq, receivedAtMs, kind: 'event', event: toPublicEvent(eventFromRow(row), { seq, receivedAtMs, status }) };
}

/**
 * The entries of consecutive records of one log, the first of which has seq `firstSeq`. A record from Kafka is judged without the duplicate window: what
 * the index later calls a duplicate is delivered, and its id makes that harmless. Ends before a record whose schema id or MAC key is not known: the
 * index may know it, so it decides; nothing that the index accepts is skipped here.
 */
export function entriesOfRecords(records: readonly LogRecord[], firstSeq: number, rules: ReadingRules): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const record of records) {
    const seq = firstSeq + entries.length;
    const receivedAtMs = record.timestampMs;
    const reading = readRecord(record, rules);
    if (reading.kind === 'quarantined' && isForTheIndex(reading.reason)) break;
    entries.push(
      reading.kind === 'event'
        ? {
            seq,
            receivedAtMs,
            kind: 'event',
            event: toPublicEvent(reading.event, { seq, receivedAtMs, status: 'accepted' }),
          }
        : { seq, receivedAtMs, kind: 'skipped', reason: 'quarantined' },
    );
  }
  return entries;
}

/** What another instance may know, and we do not yet. */
function isForTheIndex(reason: QuarantineReason): boolean {
  return reason === 'unknown_schema' || reason === 'unknown_mac_key';
}
