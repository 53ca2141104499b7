import { setTimeout as pause } from 'node:timers/promises';
import { createBlock, insertBlock, noAnswerCode, type Block, type ClickHouse } from '@docket/clickhouse';
import { createRowReader, eventColumns, refusedRow, type EventRow } from '@docket/event';
import type { Publisher, PublishRecord } from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { backoffMs } from './backoff-policy.ts';
import type { IngestorMetrics } from './metrics.ts';
import { summaryOf, type PendingBlock, type Stray } from './pending-block.ts';
import { inCalls, rerouted } from './reroute-mapper.ts';

/**
 * `fenced`: another owner has a partition of the block; this owner writes nothing more.
 * `in_doubt`: only the data can tell whether the block is there; this owner writes nothing more, the next one reads where to go on.
 */
export type WriteOutcome = 'stored' | 'fenced' | 'in_doubt';

export interface BlockWriter {
  /**
   * Stores the rows as one block, or says that this owner's time is over; rejects only when `signal` aborts or the refusal of a
   * bare quarantined row shows a bug. `onRefused` is called before a refused row is stored as quarantined, and before any
   * row behind it is stored: it MUST judge anew what the refused row has decided, which may change statuses in this block.
   */
  write(block: PendingBlock, signal: AbortSignal, onRefused: OnRefused): Promise<WriteOutcome>;
}

export type OnRefused = (block: PendingBlock, row: number) => void;

interface WriterPorts {
  readonly clickhouse: ClickHouse;
  readonly publisher: Publisher;
  readonly eventsTopic: string;
  readonly logger: Logger;
  readonly metrics: IngestorMetrics;
}

/** Rows `from` to `to` of a block, the last not included. */
interface Part {
  readonly block: PendingBlock;
  readonly from: number;
  readonly to: number;
}

/**
 * The effects of one owner, in their order:
 * 1. strays are published under their tenant's key — a crash after it publishes them again: the second copy is a `duplicate`;
 * 2. the block is inserted under the guard — a crash leaves it whole or absent (I4). A token spares a repeated try a second copy, and
 *    is never taken as proof that the first is there: ClickHouse notes the token before it commits the part, so that a server killed
 *    between the two drops the block at every later try and calls that a success (run on 26.7: deduplication_logs, then rename).
 */
export function createBlockWriter(ports: WriterPorts, owner: string, generation: number): BlockWriter {
  const { clickhouse, logger, metrics } = ports;
  let blockNumber = 0;

  async function insert(columns: Block<EventRow>, signal: AbortSignal): Promise<WriteOutcome | { refusal: string }> {
    const { rows } = columns;
    const { rowsByStatus, nextOffsets } = summaryOf(
      createRowReader((column) => columns.sinksOf(column)),
      rows,
    );
    const owners = new Map([...nextOffsets.keys()].map((partition) => [partition, owner]));
    const token = `${owner}/${(blockNumber += 1)}`;
    const guard = { generation, owners };
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      const stopTimer = metrics.insertSeconds.startTimer();
      const outcome = await insertBlock(clickhouse, { table: 'audit_events', block: columns, guard, token, signal });
      const seconds = stopTimer();
      metrics.inserts.inc({ outcome: outcome.ok ? 'stored' : outcome.reason });
      if (outcome.ok && failures > 0) {
        logger.warn({ rows, token, failures }, 'block.in_doubt');
        return 'in_doubt';
      }
      if (outcome.ok) {
        for (const [status, count] of rowsByStatus) metrics.rows.inc({ status }, count);
        logger.info({ rows, bytes: columns.bytes, partitions: owners.size, seconds, token }, 'block.inserted');
        return 'stored';
      }
      const { reason, code, message } = outcome;
      logger.warn({ rows, reason, code, detail: message, token, failures }, 'block.not_inserted');
      if (reason === 'fenced') return 'fenced';
      // Not again: it may be there, and its token may be older than the table remembers.
      if (code === noAnswerCode) return 'in_doubt';
      if (reason === 'refused') return { refusal: `Code ${code}: ${message}` };
      await pause(backoffMs(failures, Math.random()), undefined, { signal });
    }
  }

  /** In order, so that what is stored stays a prefix (I4); the last single row becomes quarantined with ClickHouse's words. */
  async function insertPart(part: Part, signal: AbortSignal, onRefused: OnRefused): Promise<WriteOutcome> {
    const { block, from, to } = part;
    const isWhole = from === 0 && to === block.columns.rows;
    const outcome = await insert(isWhole ? block.columns : block.columns.slice(from, to), signal);
    if (typeof outcome === 'string') return outcome;
    if (to - from === 1) return insertRefused(part, outcome.refusal, signal, onRefused);
    const middle = from + Math.ceil((to - from) / 2);
    const first = await insertPart({ block, from, to: middle }, signal, onRefused);
    return first === 'stored' ? insertPart({ block, from: middle, to }, signal, onRefused) : first;
  }

  async function insertRefused(
    { block, from: row }: Part,
    refusal: string,
    signal: AbortSignal,
    onRefused: OnRefused,
  ): Promise<WriteOutcome> {
    const place = block.reader.placeAt(row);
    const { tenant_id: log, seq, src_partition: partition, src_offset: offset } = place;
    if (place.status === 'quarantined') throw new Error(`ClickHouse refuses even a quarantined row: ${refusal}`);
    logger.error({ log, seq, partition, offset }, 'row.refused');
    onRefused(block, row);
    const columns = createBlock<EventRow>(eventColumns);
    columns.append(refusedRow(place, block.values.at(row), refusal));
    const outcome = await insert(columns, signal);
    if (typeof outcome !== 'string') throw new Error(`ClickHouse refuses even a quarantined row: ${outcome.refusal}`);
    return outcome;
  }

  async function reroute(strays: readonly Stray[], signal: AbortSignal): Promise<void> {
    for (const call of inCalls(strays.map(rerouted))) await publishAll(call, signal);
  }

  async function publishAll(records: readonly PublishRecord[], signal: AbortSignal): Promise<void> {
    let waiting = records;
    for (let failures = 0; waiting.length > 0; failures += 1) {
      signal.throwIfAborted();
      if (failures > 0) await pause(backoffMs(failures, Math.random()), undefined, { signal });
      const outcomes = await ports.publisher.publish(ports.eventsTopic, waiting);
      const failed = outcomes.find((outcome) => !outcome.ok);
      if (failed !== undefined)
        logger.warn({ records: waiting.length, err: failed.ok ? undefined : failed.error }, 'stray.not_published');
      waiting = waiting.filter((_, index) => outcomes[index]?.ok !== true);
    }
  }

  return {
    async write(block, signal, onRefused) {
      await reroute(block.strays, signal);
      return insertPart({ block, from: 0, to: block.columns.rows }, signal, onRefused);
    },
  };
}
