import { insertBlock, noAnswerCode, type Block, type ClickHouse } from '@docket/clickhouse';
import { createRowReader, type EventRow } from '@docket/event';
import type { Publisher } from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { columnsOf, type ColumnPart } from './column-intake.ts';
import type { InsertDuration } from './block-size-policy.ts';
import type { IngestEffect, InsertAnswer } from './ingest-state.ts';
import type { IngestorMetrics } from './metrics.ts';
import { inCalls, rerouted, type Stray } from './reroute-mapper.ts';

interface BlockPorts {
  readonly clickhouse: ClickHouse;
  readonly publisher: Publisher;
  readonly eventsTopic: string;
  readonly generation: number;
  readonly logger: Logger;
  readonly metrics: IngestorMetrics;
  /** How each insert ended. */
  readonly onInsert: (duration: InsertDuration) => void;
}

/** A block of the default size takes about 0.6 s; a server under merges ten times that. */
const insertDeadlineMs = 30_000;

/** MEMORY_LIMIT_EXCEEDED: others' doing at first; after so many tries of one block the block's own. */
const noMemoryCode = 241;
const noMemoryTimesMax = 3;

type InsertEffect = Extract<IngestEffect<ColumnPart>, { kind: 'insertBlock' }>;

export interface BlockEffects {
  /** Gives those that Kafka did not confirm. Never rejects. */
  publishStrays(strays: readonly Stray[], signal: AbortSignal): Promise<Stray[]>;
  /** One try. Rejects only on what cannot be. */
  insert(effect: InsertEffect, signal: AbortSignal): Promise<InsertAnswer>;
}

/** Carries out what the machine decided for a block: publishes its strays, inserts its rows. */
export function createBlockEffects(ports: BlockPorts): BlockEffects {
  const { clickhouse, generation, logger, metrics } = ports;
  /** Of the last try, because the next one may be the same again. */
  let last: { readonly token: string; readonly columns: Block<EventRow>; noMemoryTimes: number } | undefined;

  function tryOf({ token, block }: InsertEffect): NonNullable<typeof last> {
    if (last?.token !== token) last = { token, columns: columnsOf(block), noMemoryTimes: 0 };
    return last;
  }

  return {
    async publishStrays(strays, signal) {
      const unpublished: Stray[] = [];
      let from = 0;
      for (const call of inCalls(strays.map(rerouted))) {
        const ofCall = strays.slice(from, (from += call.length));
        const outcomes = signal.aborted ? [] : await ports.publisher.publish(ports.eventsTopic, call);
        const failed = outcomes.find((outcome) => !outcome.ok);
        if (failed?.ok === false) logger.warn({ records: call.length, err: failed.error }, 'stray.not_published');
        unpublished.push(...ofCall.filter((_, index) => outcomes[index]?.ok !== true));
      }
      return unpublished;
    },

    async insert(effect, signal) {
      const { owner, token, block: part } = effect;
      const tried = tryOf(effect);
      const { columns: block } = tried;
      const { rows, bytes } = block;
      const owners = new Map([...part.ends.keys()].map((partition) => [partition, owner]));
      const stopTimer = metrics.insertSeconds.startTimer();
      const guard = { generation, owners };
      const insert = { table: 'audit_events', block, guard, token, signal, deadlineMs: insertDeadlineMs };
      const outcome = await insertBlock(clickhouse, insert);
      const seconds = stopTimer();
      if (!outcome.ok && outcome.code === noMemoryCode) tried.noMemoryTimes += 1;
      const isTooLarge = tried.noMemoryTimes >= noMemoryTimesMax;
      ports.onInsert({
        isStored: outcome.ok,
        ms: seconds * 1000,
        deadlineMs: insertDeadlineMs,
        isTooLarge: !outcome.ok && isTooLarge,
      });
      metrics.inserts.inc({ outcome: outcome.ok ? 'stored' : outcome.reason });
      if (outcome.ok) {
        countRows(metrics, block, rows);
        last = undefined;
        logger.info({ rows, bytes, partitions: owners.size, seconds, token }, 'block.inserted');
        return { kind: 'stored' };
      }
      const { reason, code, message } = outcome;
      metrics.insertFailures.inc({ code });
      logger.warn({ rows, reason, code, detail: message, token }, 'block.not_inserted');
      switch (reason) {
        case 'fenced':
          return { kind: 'fenced' };
        case 'refused':
          return { kind: 'refused', message: `Code ${code}: ${message}` };
        case 'unavailable':
          // What is too large is read again, into smaller blocks.
          return { kind: code === noAnswerCode || isTooLarge ? 'unanswered' : 'unavailable' };
      }
    },
  };
}

function countRows(metrics: IngestorMetrics, block: Block<EventRow>, rows: number): void {
  const reader = createRowReader((column) => block.sinksOf(column));
  const counts = new Map<ReturnType<typeof reader.statusAt>, number>();
  for (let row = 0; row < rows; row += 1) {
    const status = reader.statusAt(row);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  for (const [status, count] of counts) metrics.rows.inc({ status }, count);
}
