import { setMaxListeners } from 'node:events';
import type { ClickHouse, RequestOptions } from '@docket/clickhouse';
import { DocketError, type Logger } from '@docket/runtime';
import type { Response } from 'express';
import type { CredentialWatch } from '../gate/credential-watch.ts';
import { writeUnhurried } from '../http/unhurried-write.ts';
import type { QueryMetrics } from '../metrics.ts';
import type { PlaceHolder, Places } from '../gate/places.ts';
import { readFailure, requireShort } from '../pages/read-failure-policy.ts';
import { limitedAs, type Caller } from '../gate/reader-policy.ts';
import { tenantLock } from '../gate/tenant-lock-policy.ts';
import { createExportBytes, type ExportBytes } from './export-bytes.ts';
import { manifestLine } from './export-manifest-mapper.ts';
import type { ExportRecord, ExportRecords } from './export-records.ts';
import {
  exportStatement,
  exportTotalsStatement,
  type ExportFormatName,
  type ExportQuery,
  type ExportTotals,
} from './export-sql-mapper.ts';

/** What an export may take of ClickHouse: it must leave room for others (I7). */
const clickhouseSettings = {
  max_threads: 2,
  max_memory_usage: 2 * 1024 * 1024 * 1024,
  // Blocks pass through several stages at once, each with its own.
  max_block_size: 16_384,
  // Parts are opened when their turn comes, not all at the beginning.
  read_in_order_use_virtual_row: 1,
  // The reader's pace is bounded here, by `writeUnhurried`.
  http_send_timeout: 60,
  timeout_overflow_mode: 'throw',
} as const;

/** Given to the connection at once: each writing of its own wakes the reader, who takes the core where there are few. */
const writtenBytes = 256 * 1024;
/** Of an export, waiting for its reader when more is written. One that takes less than both within 30 s is broken off. */
const aheadBytesMax = 256 * 1024;
/** After its time is over an export writes down how it ended. */
const endGraceMs = 30_000;

export interface ExportPlan {
  readonly exportId: string;
  readonly caller: Caller;
  readonly format: ExportFormatName;
  readonly query: ExportQuery;
}

export interface ExportSender {
  /** Throws `rate_limited` or `overloaded` where `send` would now, before anything is told of the export. */
  requirePlace(holder: PlaceHolder): void;
  /**
   * Sends an export: whole, or with an error after which the connection is destroyed, so that what was received never looks
   * whole. Throws DocketError. It ends when its caller goes away, loses the right to read, takes nothing or takes too long;
   * and with it, its statements in ClickHouse.
   */
  send(plan: ExportPlan, res: Response): Promise<void>;
  /** Resolves when no export is under way. */
  idle(): Promise<void>;
}

interface SenderPorts {
  readonly clickhouse: Pick<ClickHouse, 'query' | 'stream'>;
  readonly records: Pick<ExportRecords, 'put'>;
  readonly places: Places;
  readonly watch: CredentialWatch;
  readonly metrics: Pick<QueryMetrics, 'exports' | 'exportedBytes' | 'exportsRefused'>;
  readonly logger: Logger;
  readonly timeoutMs: number;
}

export function createExportSender(ports: SenderPorts): ExportSender {
  const { places, metrics, logger } = ports;
  const underWay = new Set<Promise<void>>();

  function takePlace(holder: PlaceHolder): () => void {
    const place = places.enter(holder);
    if (place.ok) return place.leave;
    metrics.exportsRefused.inc({ limit: place.limit });
    if (place.limit === 'process') throw new DocketError('overloaded', 'Too many exports are under way.');
    throw new DocketError('rate_limited', `${place.max} exports of this ${place.limit} are under way.`);
  }

  async function run(plan: ExportPlan, res: Response): Promise<void> {
    const { caller, query, format, exportId } = plan;
    const leave = takePlace({ tenantId: query.search.tenantId, keyId: limitedAs(caller) });
    const bytes = createExportBytes();
    try {
      await sendRecorded(plan, res, bytes, ports);
      metrics.exports.inc({ format, outcome: 'complete' });
    } catch (error) {
      const isGone = res.destroyed;
      metrics.exports.inc({ format, outcome: isGone ? 'gone' : 'failed' });
      if (!isGone) logger.warn({ export_id: exportId, format, body_bytes: bytes.bytes, err: error }, 'export.failed');
      throw error;
    } finally {
      metrics.exportedBytes.inc({ format }, bytes.bytes);
      leave();
    }
  }

  return {
    requirePlace: (holder) => takePlace(holder)(),
    send(plan, res) {
      const running = run(plan, res);
      const settled = running.then(
        () => undefined,
        () => undefined,
      );
      underWay.add(settled);
      void settled.then(() => underWay.delete(settled));
      return running;
    },
    async idle() {
      await Promise.all(underWay);
    },
  };
}

/** Writes down that the export runs, sends it, and writes down how it ended before its reader sees the end. */
async function sendRecorded(plan: ExportPlan, res: Response, bytes: ExportBytes, ports: SenderPorts): Promise<void> {
  const { records, watch, timeoutMs } = ports;
  const { tenantId } = plan.query.search;
  const ending = new AbortController();
  // A listener for each of two statements and each write.
  setMaxListeners(0, ending.signal);
  const onClose = (): void => ending.abort();
  res.once('close', onClose);
  // Who left while the reading was being kept has closed before anybody listened.
  if (res.closed || res.destroyed) onClose();
  const unwatch = watch.watch(plan.caller, tenantId, () => ending.abort(unauthenticated()));
  const timer = setTimeout(() => ending.abort(tooLong(timeoutMs)), timeoutMs);
  const running = runningRecord(plan, Date.now(), timeoutMs);
  try {
    await records.put(running);
    const totals = await sendBody(plan, { res, bytes, ending, ports });
    const complete: ExportRecord = {
      ...running,
      state: 'complete',
      endedAtMs: Date.now(),
      eventCount: totals.events,
      firstSeq: totals.first_seq,
      lastSeq: totals.last_seq,
      bodyBytes: bytes.bytes,
      sha256: bytes.sha256(),
    };
    await records.put(complete);
    if (plan.format === 'ndjson') await writeUnhurried(res, manifestLine(complete, plan.caller), ending.signal);
    res.end();
  } catch (error) {
    await records.put({ ...running, state: 'failed', endedAtMs: Date.now() }).catch(() => undefined);
    throw ending.signal.reason instanceof DocketError ? ending.signal.reason : error;
  } finally {
    clearTimeout(timer);
    unwatch();
    res.off('close', onClose);
    ending.abort();
  }
}

interface Sending {
  readonly res: Response;
  readonly bytes: ExportBytes;
  readonly ending: AbortController;
  readonly ports: Pick<SenderPorts, 'clickhouse' | 'timeoutMs'>;
}

/** The bytes of the events. What they are counted to be, by another statement over the same pinned rows, must agree with them. */
async function sendBody({ query, format }: ExportPlan, { res, bytes, ending, ports }: Sending): Promise<ExportTotals> {
  const { clickhouse, timeoutMs } = ports;
  const { signal } = ending;
  const headers = tenantLock(query.search.tenantId);
  const options = (own: Readonly<Record<string, string | number>>): RequestOptions => ({
    signal,
    deadlineMs: timeoutMs,
    headers,
    settings: { ...clickhouseSettings, ...own, max_execution_time: Math.ceil(timeoutMs / 1_000) },
  });
  const counting = requireShort(exportTotalsStatement(query));
  const counted = clickhouse.query<ExportTotals>(counting.sql, counting.params, options({}));
  // Awaited at the end; until then its failure must not count as unhandled.
  counted.catch(() => undefined);
  try {
    const { sql, params, settings } = requireShort(exportStatement(format, query));
    for await (const pieces of gathered(await clickhouse.stream(sql, params, options(settings)))) {
      for (const piece of pieces) bytes.add(piece);
      await writeUnhurried(res, pieces, signal, aheadBytesMax);
    }
    const [totals] = await counted;
    if (totals === undefined) throw new Error('the count of an export has no row');
    if (format === 'ndjson' && bytes.lines !== totals.events) {
      throw new Error(`an export has ${bytes.lines} lines and ${totals.events} events`);
    }
    return totals;
  } catch (error) {
    throw readFailure(error);
  }
}

/** The pieces of a stream, so many together that they are worth a writing. */
async function* gathered(stream: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[], void, undefined> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes < writtenBytes) continue;
    yield pieces;
    [pieces, bytes] = [[], 0];
  }
  if (bytes > 0) yield pieces;
}

function runningRecord(
  { exportId, caller, format, query }: ExportPlan,
  nowMs: number,
  timeoutMs: number,
): ExportRecord {
  return {
    tenantId: query.search.tenantId,
    exportId,
    keyId: caller.keyId,
    tokenId: caller.token?.id ?? '',
    format,
    state: 'running',
    startedAtMs: nowMs,
    endsByMs: nowMs + timeoutMs + endGraceMs,
    endedAtMs: 0,
    throughSeq: query.throughSeq,
    eventCount: 0,
    firstSeq: 0,
    lastSeq: 0,
    bodyBytes: 0,
    sha256: '',
  };
}

function unauthenticated(): DocketError {
  return new DocketError('unauthenticated', 'The credential is no longer good: the export has ended.');
}

function tooLong(timeoutMs: number): DocketError {
  return new DocketError('query_too_expensive', `The export took longer than ${timeoutMs / 1_000} s.`);
}
