import type { PublicEvent } from '@docket/event';

import type { SkippedCounts } from './skipped-counts.ts';

/** An event as it goes to a subscription: with its place in the log, and that of the event sent before it. */
export interface SentEvent extends PublicEvent {
  /** Of one that is sent again outside the order: its own. */
  readonly prev_seq: number;
  /** Why it comes outside the order of the log; absent: it does not. */
  readonly replay?: ReplayTag;
}

/** It was parked and is sent again; or it is sent ahead of those that were refused, and comes again in its place; or it is a test, and in no log; or its range was asked for again. */
export type ReplayTag = 'parked' | 'probe' | 'test' | 'range';

/** What a batch accounts for, beside its events. */
export interface BatchSummary {
  readonly subscriptionId: string;
  readonly tenantId: string;
  /** RFC 3339: when the last record of the range was received. */
  readonly timestamp: string;
  readonly prevToSeq: number;
  readonly toSeq: number;
  readonly skipped: SkippedCounts;
  /** RFC 3339, of a proof that nothing happened until then; null otherwise. */
  readonly asOf: string | null;
  /** As of its events. */
  readonly replay: ReplayTag | null;
}

/** How a sink writes a batch. Pure: the same events and summary give the same bytes. */
export interface BatchEncoding {
  /** The text of one event, whole and without what joins it to others. */
  event(event: SentEvent): string;
  /** `event` is JSON.stringify and nothing else: who has that text already need not ask for it. */
  readonly isPlain: boolean;
  /** Between two texts; ASCII. */
  readonly joint: string;
  /** What the body has around the texts of so many events; undefined when a batch without events is not sent. */
  frame(events: number, summary: BatchSummary): BatchFrame | undefined;
  /** What the body has beside the texts and joints, at most. */
  readonly frameBytes: number;
  /** What the sink takes in one request, whatever the subscription says. */
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export interface BatchFrame {
  readonly head: string;
  readonly foot: string;
}

/** The subscription's own limits are below any of ours. */
export const withoutSinkLimits = {
  eventsMax: Number.POSITIVE_INFINITY,
  bytesMax: Number.POSITIVE_INFINITY,
} as const;
