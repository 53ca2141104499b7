import { createHash } from 'node:crypto';

import type { LogEntry } from './log-entry-mapper.ts';
import type { SkippedCounts } from './skipped-counts.ts';

/** What one request says, ready to be sent any number of times: a retry sends the same bytes. */
export interface Batch {
  readonly webhookId: string;
  readonly fromSeq: number;
  /** Acknowledging the batch moves the cursor here. */
  readonly toSeq: number;
  /** Of the last event, or the one before the batch. */
  readonly eventSeq: number;
  readonly eventCount: number;
  /** Of all that it accounts for. */
  readonly skipped: SkippedCounts;
  /** Events by how long ago they were received are the freshness that is measured; null without events. */
  readonly oldestReceivedAtMs: number | null;
  /** A limit ended the batch: more is there already. */
  readonly isFull: boolean;
  readonly body: Buffer;
}

export interface BatchLimits {
  readonly eventsMax: number;
  /** Of the body; a single event may exceed it. */
  readonly bytesMax: number;
}

/** Where a batch begins: behind the last one that was sent. */
export interface BatchOrigin {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly prevToSeq: number;
  readonly prevEventSeq: number;
  /** What has been passed since without a batch, up to the first entry. */
  readonly passed: SkippedCounts;
}

/** Skipped seqs cost nothing in the body; this bounds how many one batch accounts for. */
const entriesMax = 10_000;
/** The envelope without its events. */
const envelopeBytes = 600;

/**
 * Makes the batch of the entries behind a cursor. `entries` are consecutive; `expired` seqs before the first of them have been cut by retention.
 * Undefined without entries. The accounting is exact: from_seq = prev_to_seq + 1, and count + Σ skipped = to_seq − prev_to_seq, so a receiver can prove
 * that nothing is missing. Deterministic: the same entries and limits give the same bytes.
 */
export function buildBatch(
  origin: BatchOrigin,
  entries: readonly LogEntry[],
  limits: BatchLimits,
  expired = 0,
): Batch | undefined {
  const skipped = { ...origin.passed, expired: origin.passed.expired + expired };
  const events: string[] = [];
  let bytes = envelopeBytes;
  let eventSeq = origin.prevEventSeq;
  let oldestReceivedAtMs: number | null = null;
  let last: LogEntry | undefined;
  let isFull = false;
  for (const entry of entries.slice(0, entriesMax)) {
    if (entry.kind === 'event') {
      const text = JSON.stringify({ ...entry.event, prev_seq: eventSeq });
      const size = Buffer.byteLength(text) + 1;
      isFull = events.length >= limits.eventsMax || (events.length > 0 && bytes + size > limits.bytesMax);
      if (isFull) break;
      events.push(text);
      bytes += size;
      eventSeq = entry.seq;
      oldestReceivedAtMs ??= entry.receivedAtMs;
    } else {
      skipped[entry.reason] += 1;
    }
    last = entry;
  }
  if (last === undefined) return undefined;
  const fromSeq = origin.prevToSeq + 1;
  const toSeq = last.seq;
  const envelope = {
    type: 'audit.batch',
    // Of the last record rather than of this moment: a batch that is built again has the same bytes.
    timestamp: new Date(last.receivedAtMs).toISOString(),
    data: {
      subscription_id: origin.subscriptionId,
      tenant_id: origin.tenantId,
      batch: { prev_to_seq: origin.prevToSeq, from_seq: fromSeq, to_seq: toSeq, count: events.length, skipped },
    },
  };
  // The events are text already: they go in front of the two closing braces.
  const body = `${JSON.stringify(envelope).slice(0, -2)},"events":[${events.join(',')}]}}`;
  return {
    webhookId: webhookIdOf(origin.subscriptionId, fromSeq, toSeq),
    fromSeq,
    toSeq,
    eventSeq,
    eventCount: events.length,
    skipped,
    oldestReceivedAtMs,
    isFull: isFull || entries.length > entriesMax,
    body: Buffer.from(body),
  };
}

/** Names a range of a subscription, whoever sends it and however often (Standard Webhooks: the idempotency key). */
export function webhookIdOf(subscriptionId: string, fromSeq: number, toSeq: number): string {
  return `msg_${createHash('sha256').update(`${subscriptionId}\n${fromSeq}\n${toSeq}`).digest('base64url').slice(0, 32)}`;
}
