import type { Subscription } from '@docket/directory';

import type { LogEntry } from '../batches/log-entry-mapper.ts';

/** Where a subscription ends: a replay, with its range; any other, never. */
export function lastSeqOf({ replay }: Subscription): number {
  return replay?.to_seq ?? Number.POSITIVE_INFINITY;
}

/** Whether a replay has been sent whole. */
export function isReplayed(subscription: Subscription, seq: number): boolean {
  return seq >= lastSeqOf(subscription);
}

/** The entries that a subscription is for: of a replay, what is behind its end is not asked for. */
export function entriesWithin(subscription: Subscription, entries: Iterable<LogEntry>): Iterable<LogEntry> {
  return subscription.replay === undefined ? entries : entriesUpTo(entries, lastSeqOf(subscription));
}

function* entriesUpTo(entries: Iterable<LogEntry>, lastSeq: number): Generator<LogEntry, void, undefined> {
  for (const entry of entries) {
    if (entry.seq > lastSeq) return;
    yield entry;
  }
}
