import { setTimeout as pause } from 'node:timers/promises';
import { createBlock, insertBlock, noAnswerCode, type ClickHouse } from '@docket/clickhouse';
import { eventColumns, refusedRow, type EventRow } from '@docket/event';
import type { Publisher, PublishRecord } from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { backoffMs } from './backoff-policy.ts';
import type { PendingRow } from './block-queue.ts';
import type { IngestorMetrics } from './metrics.ts';
import { inCalls, rerouted } from './reroute-mapper.ts';

/**
 * `fenced`: another owner has a partition of the block; this owner writes nothing more.
 * `in_doubt`: only the data can tell whether the block is there; this owner writes nothing more, the next one reads where to go on.
 */
export type WriteOutcome = 'stored' | 'fenced' | 'in_doubt';

export interface BlockWriter {
  /** Stores the rows as one block, or says that this owner's time is over; rejects only when `signal` aborts or the refusal of a bare quarantined row shows a bug. */
  write(rows: readonly PendingRow[], signal: AbortSignal): Promise<WriteOutcome>;
}

interface WriterPorts {
  readonly clickhouse: ClickHouse;
  readonly publisher: Publisher;
  readonly eventsTopic: string;
  readonly logger: Logger;
  readonly metrics: IngestorMetrics;
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

  async function insert(rows: readonly PendingRow[], signal: AbortSignal): Promise<WriteOutcome> {
    const block = createBlock<EventRow>(eventColumns);
    for (const { row } of rows) block.append(row);
    const owners = new Map(rows.map(({ row }) => [row.src_partition, owner]));
    const token = `${owner}/${(blockNumber += 1)}`;
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      const stopTimer = metrics.insertSeconds.startTimer();
      const outcome = await insertBlock(clickhouse, {
        table: 'audit_events',
        block,
        guard: { generation, owners },
        token,
        signal,
      });
      const seconds = stopTimer();
      metrics.inserts.inc({ outcome: outcome.ok ? 'stored' : outcome.reason });
      if (outcome.ok && failures > 0) {
        logger.warn({ rows: rows.length, token, failures }, 'block.in_doubt');
        return 'in_doubt';
      }
      if (outcome.ok) {
        for (const { row } of rows) metrics.rows.inc({ status: row.status });
        logger.info(
          { rows: rows.length, bytes: block.bytes, partitions: owners.size, seconds, token },
          'block.inserted',
        );
        return 'stored';
      }
      const { reason, code, message } = outcome;
      logger.warn({ rows: rows.length, reason, code, detail: message, token, failures }, 'block.not_inserted');
      if (reason === 'fenced') return 'fenced';
      // Not again: it may be there, and its token may be older than the table remembers.
      if (code === noAnswerCode) return 'in_doubt';
      if (reason === 'refused') return bisect(rows, `Code ${code}: ${message}`, signal);
      await pause(backoffMs(failures, Math.random()), undefined, { signal });
    }
  }

  /** In order, so that what is stored stays a prefix (I4); the last single row becomes quarantined with ClickHouse's words. */
  async function bisect(rows: readonly PendingRow[], message: string, signal: AbortSignal): Promise<WriteOutcome> {
    const [first] = rows;
    if (rows.length === 1 && first !== undefined) {
      const { row, record } = first;
      if (row.status === 'quarantined') throw new Error(`ClickHouse refuses even a quarantined row: ${message}`);
      logger.error(
        { log: row.tenant_id, seq: row.seq, partition: row.src_partition, offset: row.src_offset },
        'row.refused',
      );
      return insert([{ ...first, row: refusedRow(row, record.value, message) }], signal);
    }
    const middle = Math.ceil(rows.length / 2);
    const outcome = await insert(rows.slice(0, middle), signal);
    return outcome === 'stored' ? insert(rows.slice(middle), signal) : outcome;
  }

  async function reroute(rows: readonly PendingRow[], signal: AbortSignal): Promise<void> {
    const strays = rows.flatMap(({ record, rerouteTo }) =>
      rerouteTo === null ? [] : [rerouted({ tenantId: rerouteTo, record })],
    );
    for (const call of inCalls(strays)) await publishAll(call, signal);
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
    async write(rows, signal) {
      await reroute(rows, signal);
      return insert(rows, signal);
    },
  };
}
