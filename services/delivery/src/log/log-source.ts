import type { Subscription } from '@docket/directory';
import type { RecordMac } from '@docket/event';
import type { EventCodecs, Topology } from '@docket/kafka';
import type { Logger } from '@docket/runtime';

import { buildExpired, buildProof } from '../batches/batch-mapper.ts';
import type { HeldBatch } from '../batches/batch-store.ts';
import type { StoredLog } from './clickhouse-log.ts';
import { createCursorCheck } from '../cursors/cursor-check.ts';
import { passedMax, windowBytesMax } from '../machine/delivery-state.ts';
import type { Resume } from '../machine/delivery-state.ts';
import { found, originOf, placeOfBatch } from './log-read-mapper.ts';
import type { ReadRequest, SourceRead } from './log-read-mapper.ts';
import type { PartitionEnds } from './partition-ends.ts';
import { isReplayed, lastSeqOf } from './replay-bounds.ts';
import { noneSkipped, sumSkipped } from '../batches/skipped-counts.ts';
import { behind, createStoredReader } from './stored-reader.ts';
import type { ParkedRequest } from './stored-reader.ts';
import type { SubscriptionEncoding } from '../batches/subscription-encoding.ts';
import { createFilters } from './subscription-filter.ts';
import { createTailReader } from './tail-reader.ts';

export interface LogSource {
  /** What is behind a cursor. Never rejects. */
  read(request: ReadRequest): Promise<SourceRead>;
  /** Where an owner's order wants to go on: `behind` until it is stored where the log ended then; at a time, as far as the log is stored. Never rejects. */
  locate(request: LocateRequest): Promise<SourceRead>;
  /** One parked event as it is stored. Never rejects. */
  readParked(request: ParkedRequest): Promise<SourceRead>;
}

export interface LocateRequest {
  readonly subscription: Subscription;
  readonly resume: Resume;
  readonly signal: AbortSignal;
}

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
  const { stored, logger, encodingOf, readEnds } = ports;
  const filterOf = createFilters();
  const readTail = createTailReader({ ...ports, filterOf });
  const reader = createStoredReader({ ...ports, filterOf });
  const check = createCursorCheck({ stored, generation: ports.topology.generation });

  /** ClickHouse ends exactly at the cursor: finds a cut from which the tail can go on. */
  const join = async (request: ReadRequest, storedThrough: number | undefined): Promise<SourceRead | undefined> => {
    const { cursor, partition, signal } = request;
    const offset = cursor.offset ?? (cursor.seq > 0 ? await reader.place(request, cursor.seq) : null);
    if (offset !== null) {
      const fromOffset = await readTail(request, offset);
      // The rows were read after `storedThrough` was known and showed nothing behind the cursor; so nothing of the log lies between.
      if (fromOffset !== undefined || storedThrough === undefined || storedThrough <= offset) return fromOffset;
      return readTail(request, storedThrough);
    }
    // The cursor's own record has no place any more (retention, an earlier generation), but it is stored: a position read now is behind it.
    await stored.readThrough([partition], signal);
    const rows = await reader.rows(request, cursor.seq, 0);
    return rows ?? readTail(request, stored.through(partition) ?? -1);
  };

  const readStored = async (request: ReadRequest): Promise<SourceRead> => {
    const { subscription, partition, cursor, signal } = request;
    const unfit = await check.stored(request);
    if (unfit !== undefined) return unfit;
    const storedThrough = stored.through(partition);
    const rows = await reader.rows(request, cursor.seq, 0);
    if (rows !== undefined) return rows;
    const bounds = await stored.bounds(subscription.tenant_id, signal);
    if (bounds.firstSeq > cursor.seq + 1) {
      const lastExpired = Math.min(bounds.firstSeq - 1, lastSeqOf(subscription));
      const expired = lastExpired - cursor.seq;
      const kept = await reader.rows({ ...request, toSeq: null }, lastExpired, expired);
      return kept ?? expiredOnly(request, expired);
    }
    if (bounds.headSeq < cursor.seq) return check.beyondHead(request, bounds.headSeq, storedThrough);
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
   * otherwise the tail is behind, or an open transaction hides what has come, and nothing can be proved now.
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

  /** What is behind a batch, as far as there are batches with events, and they take no more together than a window may (I8). */
  const readWindow = async (request: ReadRequest, first: SourceRead): Promise<SourceRead> => {
    const following: HeldBatch[] = [];
    let read = first;
    let bytes = first.batch?.body.length ?? 0;
    while (following.length + 1 < (request.batchesMax ?? 1) && bytes + request.bytesMax <= windowBytesMax) {
      const { result } = read;
      if (result.kind !== 'batch' || result.eventCount === 0 || !result.mayHaveMore) break;
      const { toSeq: seq, eventSeq, offset } = result;
      read = await readOnce({ ...request, cursor: { ...request.cursor, seq, eventSeq, offset, passed: noneSkipped } });
      if (read.batch === undefined || read.result.kind !== 'batch' || read.result.eventCount === 0) break;
      const { kind: _batch, ...place } = read.result;
      bytes += read.batch.body.length;
      following.push({ batch: read.batch, place });
    }
    if (following.length === 0) return first;
    const result = { ...first.result, following: following.map(({ place }) => place) };
    return { ...first, result, following };
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
      const read = await (check.known(request) ?? readOnce(request));
      if (request.without.size > 0 && request.toSeq === null) return readOn(request, read);
      if (read.result.kind === 'batch' && request.toSeq === null) return readWindow(request, read);
      if (read.result.kind !== 'nothing' || !request.isProofDue || read.result.offset === null) return read;
      return prove(request, read, read.result.offset);
    }),
    readParked: failing((request: ParkedRequest) => reader.parked(request)),
    locate: failing(async ({ subscription: { tenant_id: tenantId }, resume, signal }: LocateRequest) => {
      const { place, receivedFromMs } = resume;
      if (place === null) return locatedAt(await stored.seqBefore(tenantId, receivedFromMs, signal));
      const first = await stored.firstAt(tenantId, place, signal);
      return first === undefined ? behind : locatedAt(first - 1);
    }),
  };
}

const locatedAt = (seq: number): SourceRead => ({ source: 'clickhouse', result: { kind: 'located', seq } });
