import type { Subscription } from '@docket/directory';

import type { BatchEncoding } from '../batches/batch-encoding.ts';
import { buildAside, buildBatch } from '../batches/batch-mapper.ts';
import type { Batch, BatchLimits, BatchOrigin } from '../batches/batch-mapper.ts';
import type { HeldBatch } from '../batches/batch-store.ts';
import { toldSeq } from '../cursors/cursor-mapper.ts';
import type { Cursor } from '../cursors/cursor-mapper.ts';
import type { BatchPlace, ReadResult } from '../machine/delivery-state.ts';
import type { LogEntry } from '../batches/log-entry-mapper.ts';
import { isReplayed } from './replay-bounds.ts';
import type { TailBuffer } from './tail-buffer.ts';

/** What is behind a cursor, and where it came from. */
export interface SourceRead {
  readonly source: 'tail' | 'clickhouse';
  readonly result: ReadResult;
  /** With result `batch` or `proof`. */
  readonly batch?: Batch;
  /** Those that are behind it, when more than one is asked for. */
  readonly following?: readonly HeldBatch[];
}

export interface ReadRequest {
  readonly subscription: Subscription;
  readonly tail: TailBuffer;
  readonly partition: number;
  readonly cursor: Cursor;
  /** The end of a batch that was sent before and is made again; null for a new one. */
  readonly toSeq: number | null;
  /** Of the body of a new batch; a single event may exceed it. */
  readonly bytesMax: number;
  /** Beside the subscription's own limit; null: none. */
  readonly eventsMax: number | null;
  /** New batches, one behind the other; absent: one. */
  readonly batchesMax?: number;
  /** Events to leave out as parked; then it is read on until there is another one, or nothing. */
  readonly without: ReadonlySet<number>;
  /** Only the first event that is not left out, aside of the stream. */
  readonly isProbe: boolean;
  /** When there is nothing, a batch is wanted that proves it. */
  readonly isProofDue: boolean;
  readonly signal: AbortSignal;
}

/** Undefined without entries. */
export function batchOf(
  request: ReadRequest,
  entries: Iterable<LogEntry>,
  encoding: BatchEncoding,
  expired = 0,
): Batch | undefined {
  const { isProbe, without } = request;
  const origin = originOf(request);
  if (!isProbe) return buildBatch(origin, entries, limitsOf(request), encoding, expired);
  // They are read as they are needed, and only once.
  const listed = [...entries];
  const probe = listed.find((entry) => entry.kind === 'event' && !without.has(entry.seq));
  if (probe?.kind === 'event')
    return buildAside(origin, probe, { replay: 'probe', time: probe.receivedAtMs }, encoding);
  return buildBatch(origin, listed, limitsOf(request), encoding, expired);
}

type Behind = Pick<BatchPlace, 'offset' | 'mayHaveMore'>;

export function found(
  subscription: Subscription,
  source: SourceRead['source'],
  batch: Batch,
  behind: Behind,
): SourceRead {
  return { source, batch, result: { kind: 'batch', ...placeOfBatch(subscription, batch, behind) } };
}

export function placeOfBatch(subscription: Subscription, batch: Batch, behind: Behind): BatchPlace {
  const { toSeq, eventSeq, eventCount, eventSeqs, skipped, body } = batch;
  const isLast = isReplayed(subscription, toSeq);
  return { toSeq, eventSeq, eventCount, eventSeqs, skipped, bodyBytes: body.length, isLast, ...behind };
}

/** The subscription at its last change, and how often its cursor was moved. */
export function editionOf({ updated_at: version }: Subscription, reset = 0): string {
  return `${version} ${reset}`;
}

export function originOf({ subscription, cursor, without }: ReadRequest): BatchOrigin {
  return {
    subscriptionId: subscription.id,
    tenantId: subscription.tenant_id,
    edition: editionOf(subscription, cursor.reset),
    prevToSeq: toldSeq(cursor),
    prevEventSeq: cursor.eventSeq,
    passed: cursor.passed,
    without,
    ...(subscription.replay === undefined ? {} : { replay: 'range' as const }),
  };
}

/** A batch that is made again has its end already. */
export function limitsOf({ subscription, toSeq, bytesMax, eventsMax }: ReadRequest): BatchLimits {
  if (toSeq !== null) return { eventsMax: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY };
  return { eventsMax: Math.min(subscription.batch.max_events, eventsMax ?? Number.POSITIVE_INFINITY), bytesMax };
}
