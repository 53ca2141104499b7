import type { ParkedEvent, Subscription } from '@docket/directory';
import { createQuickReader, readRecord } from '@docket/event';
import type { LogRecord, RecordMac } from '@docket/event';
import type { EventCodecs, Topology } from '@docket/kafka';
import type { StoredText } from '@docket/clickhouse';
import type { Logger } from '@docket/runtime';

import type { BatchEncoding } from './batch-encoding.ts';
import { buildAside, buildBatch, buildExpired, buildProof } from './batch-mapper.ts';
import type { Batch, BatchLimits, BatchOrigin } from './batch-mapper.ts';
import { toldSeq } from './cursor-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';
import { passedMax } from './delivery-state.ts';
import type { BatchPlace, ReadResult } from './delivery-state.ts';
import { entriesOfRecords, entryOfRow, entryOfText } from './log-entry-mapper.ts';
import type { LogEntry } from './log-entry-mapper.ts';
import type { StoredLog } from './clickhouse-log.ts';
import { ownNoticesOf } from './notice-event-mapper.ts';
import type { PartitionEnds } from './partition-ends.ts';
import { createReadAhead, valueBytes } from './read-ahead.ts';
import { entriesWithin, isReplayed, lastSeqOf } from './replay-bounds.ts';
import { sumSkipped } from './skipped-counts.ts';
import type { SubscriptionEncoding } from './subscription-encoding.ts';
import { createFilters } from './subscription-filter.ts';
import type { TailBuffer } from './tail-buffer.ts';

/** What is behind a cursor, and where it came from. */
export interface SourceRead {
  readonly source: 'tail' | 'clickhouse';
  readonly result: ReadResult;
  /** With result `batch` or `proof`. */
  readonly batch?: Batch;
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
  /** Events to leave out as parked; then it is read on until there is another one, or nothing. */
  readonly without: ReadonlySet<number>;
  /** Only the first event that is not left out, aside of the stream. */
  readonly isProbe: boolean;
  /** When there is nothing, a batch is wanted that proves it. */
  readonly isProofDue: boolean;
  readonly signal: AbortSignal;
}

export interface LogSource {
  /** What is behind a cursor. Never rejects. */
  read(request: ReadRequest): Promise<SourceRead>;
  /** Where a log stood at a time, as far as it is stored. Never rejects. */
  locate(request: LocateRequest): Promise<SourceRead>;
  /** One parked event as it is stored. Never rejects. */
  readParked(request: ParkedRequest): Promise<SourceRead>;
}

export interface LocateRequest {
  readonly subscription: Subscription;
  readonly receivedFromMs: number;
  readonly signal: AbortSignal;
}

export interface ParkedRequest {
  readonly subscription: Subscription;
  readonly parked: ParkedEvent;
  readonly signal: AbortSignal;
}

/** Rows of one catch-up read: 200 of the largest events are 50 MiB, and as many reads are under way as the pool has slots. */
const rowsMaxDefault = 200;
/** What is read ahead of one subscriber. Making objects of so many rows takes some ms of the process, in which nobody else is served. */
const rowsAhead = { rowsMax: 1_000, bytesMax: 2 * 1024 * 1024, sizeOf: valueBytes } as const;
/** Texts are left as they come. */
const textsAhead = {
  rowsMax: 10_000,
  bytesMax: 8 * 1024 * 1024,
  sizeOf: ({ text }: StoredText) => text.length,
} as const;
/** Records beside events: skipped ones cost next to nothing, but each has to be judged. */
const tailRecordsMax = 2_000;
/**
 * Reads behind a cursor: from the tail if it covers the cursor, otherwise from ClickHouse, whose prefix reaches at least to where the tail begins, or soon
 * will. Every step asks for exactly the seq after the cursor, so the two join without a seam (I3, I6).
 *
 * The tail goes by offset and ClickHouse by seq; a cursor joins them when its offset is a cut: records of the log up to it have a seq ≤ the cursor's,
 * those behind it a greater one. Whoever moves the one moves the other, or forgets it.
 */
export function createLogSource(ports: {
  readonly stored: StoredLog;
  readonly decoders: EventCodecs;
  readonly mac: RecordMac;
  readonly topology: Topology;
  readonly logger: Logger;
  readonly encodingOf: SubscriptionEncoding;
  /** Undefined while Kafka does not answer. */
  readonly readEnds: () => Promise<PartitionEnds | undefined>;
  /** Rows of one catch-up read; default 200. */
  readonly rowsMax?: number;
}): LogSource {
  const { stored, decoders, mac, topology, logger, encodingOf, readEnds, rowsMax = rowsMaxDefault } = ports;
  const rules = { partitions: topology.partitions, decoderOf: decoders.decoderOf, mac };
  const readQuickly = createQuickReader(decoders.codecOf);
  /** `isText`: what is read is passed on as its text. */
  const readerOf = (log: string, isText: boolean) => (record: LogRecord, seq: number) =>
    readQuickly(record, log, isText ? seq : undefined) ?? readRecord(record, rules);
  const filterOf = createFilters();
  const rowsOf = createReadAhead((...asked) => stored.rows(...asked), rowsAhead);
  const textsOf = createReadAhead((...asked) => stored.texts(...asked), textsAhead);
  const behind: SourceRead = { source: 'clickhouse', result: { kind: 'behind' } };

  /** From the tail, the cursor being cut at `offset`. Undefined when the tail cannot say: it does not reach back so far, or a schema is not known to us. */
  const readTail = async (request: ReadRequest, offset: number): Promise<SourceRead | undefined> => {
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
    await decoders.prepare(records, request.signal);
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

  const readRows = async (request: ReadRequest, afterSeq: number, expired: number): Promise<SourceRead | undefined> => {
    const { subscription, toSeq, signal } = request;
    const tenantId = subscription.tenant_id;
    const limit = toSeq === null ? rowsMax : Math.max(1, toSeq - afterSeq);
    const matches = filterOf(subscription);
    const isOwn = ownNoticesOf(subscription.id);
    const asked = [subscription.id, tenantId, afterSeq, limit, signal] as const;
    // Whose filter looks at events needs more than their texts.
    const read =
      matches === undefined
        ? (await textsOf.rows(...asked)).map((text) => entryOfText(text, isOwn))
        : (await rowsOf.rows(...asked)).map((row) => entryOfRow(row, matches));
    const entries = entriesWithin(subscription, read);
    const batch = batchOf(request, entries, encodingOf(subscription), expired);
    if (batch === undefined) return undefined;
    // Near the end of what is stored the tail may go on from here; farther back the place is of no use.
    const offset = read.length < limit ? await placeOf(request, batch.toSeq) : null;
    return found(subscription, 'clickhouse', batch, { offset, mayHaveMore: true });
  };

  const placeOf = async ({ subscription, signal }: ReadRequest, seq: number): Promise<number | null> => {
    const place = await stored.place(subscription.tenant_id, seq, signal);
    return place?.generation === topology.generation ? place.offset : null;
  };

  /** ClickHouse ends exactly at the cursor: finds a cut from which the tail can go on. */
  const join = async (request: ReadRequest, storedThrough: number | undefined): Promise<SourceRead | undefined> => {
    const { cursor, partition, signal } = request;
    const offset = cursor.offset ?? (cursor.seq > 0 ? await placeOf(request, cursor.seq) : null);
    if (offset !== null) {
      const fromOffset = await readTail(request, offset);
      // The rows were read after `storedThrough` was known and showed nothing behind the cursor; so nothing of the log lies between.
      if (fromOffset !== undefined || storedThrough === undefined || storedThrough <= offset) return fromOffset;
      return readTail(request, storedThrough);
    }
    // The cursor's own record has no place any more (retention, an earlier generation), but it is stored: a position read now is behind it.
    await stored.readThrough([partition], signal);
    const rows = await readRows(request, cursor.seq, 0);
    return rows ?? readTail(request, stored.through(partition) ?? -1);
  };

  const readStored = async (request: ReadRequest): Promise<SourceRead> => {
    const { subscription, partition, cursor, signal } = request;
    const storedThrough = stored.through(partition);
    const rows = await readRows(request, cursor.seq, 0);
    if (rows !== undefined) return rows;
    const bounds = await stored.bounds(subscription.tenant_id, signal);
    if (bounds.firstSeq > cursor.seq + 1) {
      const lastExpired = Math.min(bounds.firstSeq - 1, lastSeqOf(subscription));
      const expired = lastExpired - cursor.seq;
      const kept = await readRows({ ...request, toSeq: null }, lastExpired, expired);
      return kept ?? expiredOnly(request, expired);
    }
    const joined = bounds.headSeq === cursor.seq ? await join(request, storedThrough) : undefined;
    if (joined === undefined) stored.refresh(partition);
    return joined ?? behind;
  };

  /** Of what retention has cut nothing is left but its count. */
  const expiredOnly = (request: ReadRequest, expired: number): SourceRead => {
    const { subscription } = request;
    const timestampMs = Date.parse(subscription.created_at);
    const batch = buildExpired(originOf(request), { expired, timestampMs }, encodingOf(subscription));
    return found(subscription, 'clickhouse', batch, { offset: null, mayHaveMore: true });
  };

  /**
   * There is nothing of the log up to `offset`. When the partition does not reach farther, nothing was appended to the log before its end was asked for;
   * otherwise the tail is behind, and nothing can be proved now.
   */
  const prove = async (request: ReadRequest, read: SourceRead, offset: number): Promise<SourceRead> => {
    const known = await readEnds();
    const end = known?.ends.get(request.partition);
    if (known === undefined || end === undefined || offset + 1 < end) return read;
    const batch = buildProof(originOf(request), known.asOfMs, encodingOf(request.subscription));
    const place = placeOfBatch(request.subscription, batch, { offset, mayHaveMore: false });
    return { source: read.source, batch, result: { kind: 'proof', ...place } };
  };

  const readOnce = async (request: ReadRequest): Promise<SourceRead> => {
    const { offset, seq } = request.cursor;
    if (isReplayed(request.subscription, seq)) return { source: 'tail', result: { kind: 'nothing', offset: null } };
    const fromTail = offset === null ? undefined : await readTail(request, offset);
    return fromTail ?? (await readStored(request));
  };

  /** Behind events that are left out, until there is one that can be sent. What one batch accounts for stays bounded (I8). */
  const readOn = async (request: ReadRequest, first: SourceRead): Promise<SourceRead> => {
    let read = first;
    while (read.result.kind === 'batch' && read.result.eventCount === 0 && read.result.mayHaveMore) {
      const { toSeq: seq, offset, skipped: passed } = read.result;
      if (sumSkipped(passed) >= passedMax) return read;
      const next = await readOnce({ ...request, cursor: { ...request.cursor, seq, offset, passed } });
      if (next.result.kind === 'nothing') return read;
      read = next;
    }
    return read;
  };

  const readParked = async ({ subscription, parked, signal }: ParkedRequest): Promise<SourceRead> => {
    const { id: subscriptionId, tenant_id: tenantId } = subscription;
    const [row] = await stored.rows(tenantId, parked.seq - 1, 1, signal);
    if (row === undefined) {
      const { firstSeq } = await stored.bounds(tenantId, signal);
      return firstSeq > parked.seq ? { source: 'clickhouse', result: { kind: 'expired' } } : behind;
    }
    const entry = entryOfRow(row, undefined);
    // What the tail took for an event repeats one: there is nothing of its own to send.
    if (entry.kind !== 'event') return { source: 'clickhouse', result: { kind: 'expired' } };
    const tag = { replay: 'parked', time: parked.asks } as const;
    const batch = buildAside({ subscriptionId, tenantId }, entry, tag, encodingOf(subscription));
    return found(subscription, 'clickhouse', batch, { offset: null, mayHaveMore: false });
  };

  const failing =
    <Request extends { readonly subscription: Subscription }>(run: (request: Request) => Promise<SourceRead>) =>
    async (request: Request): Promise<SourceRead> => {
      try {
        return await run(request);
      } catch (error) {
        logger.warn({ err: error, subscription_id: request.subscription.id }, 'log.read_failed');
        return { source: 'clickhouse', result: { kind: 'failed' } };
      }
    };

  return {
    read: failing(async (request: ReadRequest) => {
      const read = await readOnce(request);
      if (request.without.size > 0 && request.toSeq === null) return readOn(request, read);
      if (read.result.kind !== 'nothing' || !request.isProofDue || read.result.offset === null) return read;
      return prove(request, read, read.result.offset);
    }),
    readParked: failing(readParked),
    locate: failing(async ({ subscription, receivedFromMs, signal }: LocateRequest) => {
      const seq = await stored.seqBefore(subscription.tenant_id, receivedFromMs, signal);
      return { source: 'clickhouse', result: { kind: 'located', seq } };
    }),
  };
}

function batchOf(
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

function found(subscription: Subscription, source: SourceRead['source'], batch: Batch, behind: Behind): SourceRead {
  return { source, batch, result: { kind: 'batch', ...placeOfBatch(subscription, batch, behind) } };
}

function placeOfBatch(subscription: Subscription, batch: Batch, behind: Behind): BatchPlace {
  const { toSeq, eventSeq, eventCount, eventSeqs, skipped, body } = batch;
  const isLast = isReplayed(subscription, toSeq);
  return { toSeq, eventSeq, eventCount, eventSeqs, skipped, bodyBytes: body.length, isLast, ...behind };
}

function originOf({ subscription, cursor, without }: ReadRequest): BatchOrigin {
  return {
    subscriptionId: subscription.id,
    tenantId: subscription.tenant_id,
    prevToSeq: toldSeq(cursor),
    prevEventSeq: cursor.eventSeq,
    passed: cursor.passed,
    without,
    ...(subscription.replay === undefined ? {} : { replay: 'range' as const }),
  };
}

/** A batch that is made again has its end already. */
function limitsOf({ subscription, toSeq, bytesMax, eventsMax }: ReadRequest): BatchLimits {
  if (toSeq !== null) return { eventsMax: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY };
  return { eventsMax: Math.min(subscription.batch.max_events, eventsMax ?? Number.POSITIVE_INFINITY), bytesMax };
}
