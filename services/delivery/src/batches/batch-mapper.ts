import { createHash } from 'node:crypto';
import { clearSink, createByteSink, putString, writtenBytes } from '@docket/event';

import type { BatchEncoding, ReplayTag } from './batch-encoding.ts';
import type { LogEntry } from './log-entry-mapper.ts';
import { noneSkipped, sumSkipped } from './skipped-counts.ts';
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
  /** Of its events, in their order. */
  readonly eventSeqs: readonly number[];
  /** Of all that it accounts for. */
  readonly skipped: SkippedCounts;
  /** Events by how long ago they were received are the freshness that is measured; null without events. */
  readonly oldestReceivedAtMs: number | null;
  /** A limit ended the batch: more is there already. */
  readonly isFull: boolean;
  /** Empty when there is nothing that the sink could be told. */
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
  /** What is sent anew under another one is no repeat: the subscription was changed, or its cursor was moved. */
  readonly edition: string;
  readonly prevToSeq: number;
  readonly prevEventSeq: number;
  /** What has been passed since without a batch, up to the first entry. */
  readonly passed: SkippedCounts;
  /** Why all of it comes outside the order of the log; absent: it does not. */
  readonly replay?: ReplayTag;
  /** Events that are left out because the receiver refuses them. */
  readonly without?: ReadonlySet<number>;
}

/** The texts of the batch that is being made; empty between two. */
const texts = createByteSink();

/** Skipped seqs cost nothing in the body; this bounds how many one batch accounts for. */
const entriesMax = 10_000;

/**
 * Makes the batch of the entries behind a cursor. `entries` are consecutive, and taken only as far as they fit; `expired` seqs before the first of them have been cut by retention.
 * Undefined without entries. The accounting is exact: from_seq = prev_to_seq + 1, and count + Σ skipped = to_seq − prev_to_seq, so a receiver can prove
 * that nothing is missing. Deterministic: the same entries, limits and encoding give the same bytes.
 */
export function buildBatch(
  origin: BatchOrigin,
  entries: Iterable<LogEntry>,
  limits: BatchLimits,
  encoding: BatchEncoding,
  expired = 0,
): Batch | undefined {
  const skipped = { ...origin.passed, expired: origin.passed.expired + expired };
  const eventsMax = Math.min(limits.eventsMax, encoding.eventsMax);
  const bytesMax = Math.min(limits.bytesMax, encoding.bytesMax);
  const tag = origin.replay === undefined ? {} : { replay: origin.replay };
  clearSink(texts);
  const eventSeqs: number[] = [];
  let eventSeq = origin.prevEventSeq;
  let oldestReceivedAtMs: number | null = null;
  let last: LogEntry | undefined;
  let taken = 0;
  let isFull = false;
  for (const entry of entries) {
    isFull = taken >= entriesMax || (entry.kind === 'event' && eventSeqs.length >= eventsMax);
    if (isFull) break;
    if (entry.kind === 'event' && origin.without?.has(entry.seq) === true) {
      skipped.parked += 1;
    } else if (entry.kind === 'event') {
      const before = texts.length;
      if (before > 0) putString(texts, encoding.joint);
      putEvent(entry, eventSeq, encoding, tag);
      isFull = before > 0 && encoding.frameBytes + texts.length > bytesMax;
      if (isFull) {
        texts.length = before;
        break;
      }
      eventSeqs.push(entry.seq);
      eventSeq = entry.seq;
      oldestReceivedAtMs ??= entry.receivedAtMs;
    } else {
      skipped[entry.reason] += 1;
    }
    last = entry;
    taken += 1;
  }
  if (last === undefined) return undefined;
  const fromSeq = origin.prevToSeq + 1;
  const toSeq = last.seq;
  // Of the last record rather than of this moment: a batch that is built again has the same bytes.
  const envelope = { timestampMs: last.receivedAtMs, toSeq, skipped, ...tag };
  const body = bodyOf(origin, envelope, eventSeqs.length, encoding);
  return {
    webhookId: webhookIdOf(origin, fromSeq, toSeq, [...(origin.without ?? [])].join(' ')),
    fromSeq,
    toSeq,
    eventSeq,
    eventCount: eventSeqs.length,
    eventSeqs,
    skipped,
    oldestReceivedAtMs,
    isFull,
    body,
  };
}

type EventEntry = Extract<LogEntry, { kind: 'event' }>;

interface Tag {
  readonly replay?: ReplayTag;
}

function putEvent(entry: EventEntry, prevSeq: number, encoding: BatchEncoding, tag: Tag): void {
  const isText = encoding.isPlain && tag.replay === undefined;
  if (isText && entry.putText?.(texts) === true) putString(texts, `,"prev_seq":${prevSeq}}`);
  else putString(texts, encoding.event({ ...entry.event, prev_seq: prevSeq, ...tag }));
}

/** Says that until `asOfMs` nothing has happened behind the cursor, and accounts for what was passed before it. */
export function buildProof(origin: BatchOrigin, asOfMs: number, encoding: BatchEncoding): Batch {
  return buildWithoutEvents(origin, { timestampMs: asOfMs, skipped: origin.passed, asOfMs }, encoding);
}

/** Says that the next `expired` seqs have been cut by retention, and nothing is behind them. */
export function buildExpired(
  origin: BatchOrigin,
  { expired, timestampMs }: { readonly expired: number; readonly timestampMs: number },
  encoding: BatchEncoding,
): Batch {
  const skipped = { ...origin.passed, expired: origin.passed.expired + expired };
  return buildWithoutEvents(origin, { timestampMs, skipped }, encoding);
}

function buildWithoutEvents(
  origin: BatchOrigin,
  about: Pick<Envelope, 'timestampMs' | 'skipped' | 'asOfMs'>,
  encoding: BatchEncoding,
): Batch {
  const { prevToSeq, prevEventSeq, replay } = origin;
  const { skipped, asOfMs } = about;
  const fromSeq = prevToSeq + 1;
  const toSeq = prevToSeq + sumSkipped(skipped);
  clearSink(texts);
  return {
    webhookId: webhookIdOf(origin, fromSeq, toSeq, asOfMs === undefined ? '' : String(asOfMs)),
    fromSeq,
    toSeq,
    eventSeq: prevEventSeq,
    eventCount: 0,
    eventSeqs: [],
    skipped,
    oldestReceivedAtMs: null,
    isFull: false,
    body: bodyOf(origin, { ...about, toSeq, ...(replay === undefined ? {} : { replay }) }, 0, encoding),
  };
}

/** One event by itself and outside the order. `time`: for the how manieth time, so that the receiver does not take it for a repeat. */
export function buildAside(
  origin: Pick<BatchOrigin, 'subscriptionId' | 'tenantId' | 'edition'>,
  entry: EventEntry,
  { replay, time }: { readonly replay: ReplayTag; readonly time: number },
  encoding: BatchEncoding,
): Batch {
  const { seq, receivedAtMs, event } = entry;
  clearSink(texts);
  putString(texts, encoding.event({ ...event, prev_seq: seq, replay }));
  // What is in no log has an empty range.
  const range = { ...origin, prevToSeq: Math.max(0, seq - 1), prevEventSeq: seq, passed: noneSkipped };
  const summary = { timestampMs: receivedAtMs, toSeq: seq, skipped: noneSkipped, replay };
  return {
    webhookId: webhookIdOf(origin, seq, seq, `${replay} ${time}`),
    fromSeq: seq,
    toSeq: seq,
    eventSeq: seq,
    eventCount: 1,
    eventSeqs: [seq],
    skipped: noneSkipped,
    oldestReceivedAtMs: null,
    isFull: false,
    body: bodyOf(range, summary, 1, encoding),
  };
}

interface Envelope {
  readonly timestampMs: number;
  readonly toSeq: number;
  readonly skipped: SkippedCounts;
  readonly asOfMs?: number;
  readonly replay?: ReplayTag;
}

/** Around what `texts` holds. */
function bodyOf(
  origin: BatchOrigin,
  { timestampMs, toSeq, skipped, asOfMs, replay }: Envelope,
  events: number,
  encoding: BatchEncoding,
): Buffer {
  const { subscriptionId, tenantId, prevToSeq } = origin;
  const timestamp = new Date(timestampMs).toISOString();
  const asOf = asOfMs === undefined ? null : new Date(asOfMs).toISOString();
  const summary = { subscriptionId, tenantId, timestamp, prevToSeq, toSeq, skipped, asOf, replay: replay ?? null };
  const frame = encoding.frame(events, summary);
  if (frame === undefined) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from(frame.head), writtenBytes(texts), Buffer.from(frame.foot)]);
}

/**
 * Names a range of a subscription as it is, whoever sends it and however often (Standard Webhooks: the idempotency key). `about` sets apart what is sent of the
 * same range: proofs by their time, what leaves out parked events by these, replays by their ask.
 */
export function webhookIdOf(
  { subscriptionId, edition }: Pick<BatchOrigin, 'subscriptionId' | 'edition'>,
  fromSeq: number,
  toSeq: number,
  about = '',
): string {
  const name = [subscriptionId, edition, fromSeq, toSeq, about].join('\n');
  return `msg_${createHash('sha256').update(name).digest('base64url').slice(0, 32)}`;
}
