import { readLog, readLogBounds, readPlace } from '@docket/clickhouse';
import type { ClickHouse } from '@docket/clickhouse';
import type { Subscription } from '@docket/directory';
import type { EventDecoders, Topology } from '@docket/kafka';
import type { Logger } from '@docket/runtime';

import { buildBatch } from './batch-mapper.ts';
import type { Batch, BatchLimits, BatchOrigin } from './batch-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';
import type { ReadResult } from './delivery-machine.ts';
import { entriesOfRecords, entryOfRow } from './log-entry-mapper.ts';
import type { StoredPositions } from './stored-positions.ts';
import type { TailBuffer } from './tail-buffer.ts';

/** What is behind a cursor, and where it came from. */
export interface SourceRead {
  readonly source: 'tail' | 'clickhouse';
  readonly result: ReadResult;
  /** With result `batch`. */
  readonly batch?: Batch;
}

export interface ReadRequest {
  readonly subscription: Subscription;
  readonly tail: TailBuffer;
  readonly partition: number;
  readonly cursor: Cursor;
  /** The end of a batch that was sent before and is made again; null for a new one. */
  readonly toSeq: number | null;
  readonly signal: AbortSignal;
}

/** Rows of one catch-up read: 200 of the largest events are 50 MiB, and as many reads are under way as the pool has slots. */
const catchUpRowsMax = 200;
/** Records beside events: skipped ones cost next to nothing, but each has to be judged. */
const tailRecordsMax = 2_000;
const queryDeadlineMs = 10_000;

/**
 * Reads behind a cursor: from the tail if it covers the cursor, otherwise from ClickHouse, whose prefix reaches at least to where the tail begins, or soon
 * will. Every step asks for exactly the seq after the cursor, so the two join without a seam (I3, I6).
 */
export function createLogSource(ports: {
  readonly clickhouse: ClickHouse;
  readonly decoders: EventDecoders;
  readonly stored: StoredPositions;
  readonly topology: Topology;
  readonly logger: Logger;
}): { read(request: ReadRequest): Promise<SourceRead> } {
  const { clickhouse, decoders, stored, topology, logger } = ports;

  /** Undefined when the tail cannot say: it does not cover the cursor, or the next record's schema is not known to us. */
  const readTail = async (request: ReadRequest, offset: number): Promise<SourceRead | undefined> => {
    const { subscription, tail, cursor, toSeq } = request;
    const log = subscription.tenant_id;
    if (!tail.covers(log, offset)) return undefined;
    const seenThrough = tail.endOffset() - 1;
    const wanted = toSeq === null ? tailRecordsMax : toSeq - cursor.seq;
    const records = tail.after(log, offset, wanted);
    if (records.length === 0) return { source: 'tail', result: { kind: 'nothing', offset: seenThrough } };
    await decoders.prepare(records, request.signal);
    const entries = entriesOfRecords(records, cursor.seq + 1, topology.partitions, decoders.decoderOf);
    const batch = buildBatch(originOf(request), entries, limitsOf(request));
    if (batch === undefined) return undefined;
    const isWhole = !batch.isFull && entries.length === records.length && records.length < wanted;
    const lastOffset = records[batch.toSeq - cursor.seq - 1]?.offset ?? offset;
    return found('tail', batch, isWhole ? seenThrough : lastOffset, !isWhole);
  };

  const readRows = async (request: ReadRequest, afterSeq: number, expired: number): Promise<SourceRead | undefined> => {
    const { subscription, cursor, toSeq, signal } = request;
    const tenantId = subscription.tenant_id;
    const options = { signal, deadlineMs: queryDeadlineMs };
    const limit = toSeq === null ? catchUpRowsMax : Math.max(1, toSeq - afterSeq);
    const rows = await readLog(clickhouse, { tenantId, afterSeq, limit }, options);
    const batch = buildBatch(originOf(request), rows.map(entryOfRow), limitsOf(request), expired);
    if (batch === undefined) return undefined;
    // Near the end of what is stored the tail may go on from here; farther back the place is of no use.
    const place =
      rows.length < limit ? await readPlace(clickhouse, { tenantId, seq: batch.toSeq }, options) : undefined;
    const offset = place?.generation === topology.generation ? place.offset : cursor.offset;
    return found('clickhouse', batch, offset, true);
  };

  const readStored = async (request: ReadRequest): Promise<SourceRead> => {
    const { subscription, partition, cursor, signal } = request;
    const behind: SourceRead = { source: 'clickhouse', result: { kind: 'behind' } };
    // Taken before the rows are read, so that what they do not show is not below it.
    const storedThrough = stored.through(partition);
    const rows = await readRows(request, cursor.seq, 0);
    if (rows !== undefined) return rows;
    const bounds = await readLogBounds(clickhouse, subscription.tenant_id, { signal, deadlineMs: queryDeadlineMs });
    if (bounds.firstSeq > cursor.seq + 1) {
      const expired = bounds.firstSeq - 1 - cursor.seq;
      return (await readRows({ ...request, toSeq: null }, bounds.firstSeq - 1, expired)) ?? behind;
    }
    // The log ends in ClickHouse exactly at the cursor: nothing of it lies between, so the coverage is what ClickHouse holds.
    if (bounds.headSeq === cursor.seq && storedThrough !== undefined && storedThrough > cursor.offset) {
      const joined = await readTail(request, storedThrough);
      if (joined !== undefined) return joined;
    }
    stored.refresh(partition);
    return behind;
  };

  return {
    read: async (request) => {
      try {
        return (await readTail(request, request.cursor.offset)) ?? (await readStored(request));
      } catch (error) {
        logger.warn({ err: error, subscription_id: request.subscription.id }, 'log.read_failed');
        return { source: 'clickhouse', result: { kind: 'failed' } };
      }
    },
  };
}

function found(source: SourceRead['source'], batch: Batch, offset: number, mayHaveMore: boolean): SourceRead {
  const { toSeq, eventSeq } = batch;
  return { source, batch, result: { kind: 'batch', toSeq, eventSeq, offset, mayHaveMore } };
}

function originOf({ subscription, cursor }: ReadRequest): BatchOrigin {
  return {
    subscriptionId: subscription.id,
    tenantId: subscription.tenant_id,
    prevToSeq: cursor.seq,
    prevEventSeq: cursor.eventSeq,
  };
}

/** A batch that is made again has its end already. */
function limitsOf({ subscription, toSeq }: ReadRequest): BatchLimits {
  if (toSeq !== null) return { eventsMax: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY };
  return { eventsMax: subscription.batch.max_events, bytesMax: subscription.batch.max_bytes };
}
