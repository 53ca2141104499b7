import type { Subscription } from '@docket/directory';
import { createQuickReader, readRecord } from '@docket/event';
import type { LogRecord, RecordMac } from '@docket/event';
import type { EventCodecs, Topology } from '@docket/kafka';
import type { Logger } from '@docket/runtime';

import { buildBatch, buildProof } from './batch-mapper.ts';
import type { Batch, BatchLimits, BatchOrigin } from './batch-mapper.ts';
import { toldSeq } from './cursor-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';
import type { BatchPlace, ReadResult } from './delivery-state.ts';
import { entriesOfRecords, entryOfRow } from './log-entry-mapper.ts';
import type { StoredLog } from './clickhouse-log.ts';
import type { PartitionEnds } from './partition-ends.ts';
import { createReadAhead } from './read-ahead.ts';
import { encodingOf } from './sinks/sink-rules.ts';
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
  /** When there is nothing, a batch is wanted that proves it. */
  readonly isProofDue: boolean;
  readonly signal: AbortSignal;
}

/** Rows of one catch-up read: 200 of the largest events are 50 MiB, and as many reads are under way as the pool has slots. */
const rowsMaxDefault = 200;
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
  /** Undefined while Kafka does not answer. */
  readonly readEnds: () => Promise<PartitionEnds | undefined>;
  /** Rows of one catch-up read; default 200. */
  readonly rowsMax?: number;
}): { read(request: ReadRequest): Promise<SourceRead> } {
  const { stored, decoders, mac, topology, logger, readEnds, rowsMax = rowsMaxDefault } = ports;
  const rules = { partitions: topology.partitions, decoderOf: decoders.decoderOf, mac };
  const readQuickly = createQuickReader(decoders.codecOf);
  const readerOf = (log: string) => (record: LogRecord) => readQuickly(record, log) ?? readRecord(record, rules);
  const filterOf = createFilters();
  const ahead = createReadAhead((...asked) => stored.rows(...asked));
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
      subscription.filter === undefined ? Math.min(limits.eventsMax, encoding.eventsMax) + 1 : tailRecordsMax;
    const wanted = toSeq === null ? Math.min(likely, tailRecordsMax) : toSeq - cursor.seq;
    const records = tail.after(log, offset, wanted);
    if (records.length === 0) return { source: 'tail', result: { kind: 'nothing', offset: seenThrough } };
    await decoders.prepare(records, request.signal);
    const entries = entriesOfRecords(records, cursor.seq + 1, readerOf(log), filterOf(subscription));
    const batch = buildBatch(originOf(request), entries, limits, encoding);
    if (batch === undefined) return undefined;
    const taken = batch.toSeq - cursor.seq;
    const isWhole = taken === records.length && records.length < wanted;
    const lastOffset = records[taken - 1]?.offset ?? null;
    return found('tail', batch, isWhole ? seenThrough : lastOffset, !isWhole);
  };

  const readRows = async (request: ReadRequest, afterSeq: number, expired: number): Promise<SourceRead | undefined> => {
    const { subscription, toSeq, signal } = request;
    const tenantId = subscription.tenant_id;
    const limit = toSeq === null ? rowsMax : Math.max(1, toSeq - afterSeq);
    const rows = await ahead.rows(subscription.id, tenantId, afterSeq, limit, signal);
    const matches = filterOf(subscription);
    const entries = rows.map((row) => entryOfRow(row, matches));
    const batch = buildBatch(originOf(request), entries, limitsOf(request), encodingOf(subscription), expired);
    if (batch === undefined) return undefined;
    // Near the end of what is stored the tail may go on from here; farther back the place is of no use.
    const offset = rows.length < limit ? await placeOf(request, batch.toSeq) : null;
    return found('clickhouse', batch, offset, true);
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
      const expired = bounds.firstSeq - 1 - cursor.seq;
      return (await readRows({ ...request, toSeq: null }, bounds.firstSeq - 1, expired)) ?? behind;
    }
    const joined = bounds.headSeq === cursor.seq ? await join(request, storedThrough) : undefined;
    if (joined === undefined) stored.refresh(partition);
    return joined ?? behind;
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
    return { source: read.source, batch, result: { kind: 'proof', ...placeOfBatch(batch, offset, false) } };
  };

  return {
    read: async (request) => {
      const { offset } = request.cursor;
      try {
        const fromTail = offset === null ? undefined : await readTail(request, offset);
        const read = fromTail ?? (await readStored(request));
        if (read.result.kind !== 'nothing' || !request.isProofDue) return read;
        return await prove(request, read, read.result.offset);
      } catch (error) {
        logger.warn({ err: error, subscription_id: request.subscription.id }, 'log.read_failed');
        return { source: 'clickhouse', result: { kind: 'failed' } };
      }
    },
  };
}

function found(source: SourceRead['source'], batch: Batch, offset: number | null, mayHaveMore: boolean): SourceRead {
  return { source, batch, result: { kind: 'batch', ...placeOfBatch(batch, offset, mayHaveMore) } };
}

function placeOfBatch(batch: Batch, offset: number | null, mayHaveMore: boolean): BatchPlace {
  const { toSeq, eventSeq, eventCount, skipped, body } = batch;
  return { toSeq, eventSeq, eventCount, skipped, bodyBytes: body.length, offset, mayHaveMore };
}

function originOf({ subscription, cursor }: ReadRequest): BatchOrigin {
  return {
    subscriptionId: subscription.id,
    tenantId: subscription.tenant_id,
    prevToSeq: toldSeq(cursor),
    prevEventSeq: cursor.eventSeq,
    passed: cursor.passed,
  };
}

/** A batch that is made again has its end already. */
function limitsOf({ subscription, toSeq, bytesMax }: ReadRequest): BatchLimits {
  if (toSeq !== null) return { eventsMax: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY };
  return { eventsMax: subscription.batch.max_events, bytesMax };
}
