import {
  readFirstAt,
  readHeads,
  readLog,
  readLogBounds,
  readLogTexts,
  readPlace,
  readSeqBefore,
} from '@docket/clickhouse';
import type { ClickHouse, LogBounds, RecordPlace, StoredText } from '@docket/clickhouse';
import type { StoredEventRow } from '@docket/event';
import type { Logger } from '@docket/runtime';

import type { OrderPlace } from './delivery-state.ts';

/** The stored half of the logs, as catch-up needs it. Every call may reject: ClickHouse may be away. */
export interface StoredLog {
  /** Rows behind a seq, consecutive; fewer than `limit` at the end of what is stored. Rejects when they are too large together (isAnswerTooLarge). */
  rows(tenantId: string, afterSeq: number, limit: number, signal: AbortSignal): Promise<readonly StoredEventRow[]>;
  /** The same rows with the JSON of their events, for who looks into none of them. */
  texts(tenantId: string, afterSeq: number, limit: number, signal: AbortSignal): Promise<readonly StoredText[]>;
  bounds(tenantId: string, signal: AbortSignal): Promise<LogBounds>;
  /** The highest seq that was received before a time; 0: none. */
  seqBefore(tenantId: string, timeMs: number, signal: AbortSignal): Promise<number>;
  /** The seq of the first record at a place in Kafka or behind it; undefined while none is stored. */
  firstAt(tenantId: string, place: OrderPlace, signal: AbortSignal): Promise<number | undefined>;
  place(tenantId: string, seq: number, signal: AbortSignal): Promise<RecordPlace | undefined>;
  /** Every record of the partition up to this offset is stored (I4); as of an earlier moment, undefined when never known. */
  through(partition: number): number | undefined;
  /** The same as of now, for these partitions. */
  readThrough(partitions: readonly number[], signal: AbortSignal): Promise<void>;
  /** Asks for it in the background, at most once a second a partition. */
  refresh(partition: number): void;
}

const queryDeadlineMs = 10_000;
/** I8: of one catch-up read; twice what is read ahead at once. Beyond it the read is refused (isAnswerTooLarge) before a byte is sent. */
const answerBytesMax = 16 * 1024 * 1024;
const refreshIntervalMs = 1_000;

export function createStoredLog(clickhouse: ClickHouse, generation: number, logger: Logger): StoredLog {
  const bounded = { deadlineMs: queryDeadlineMs, settings: { max_result_bytes: answerBytesMax } };
  const positions = new Map<number, number>();
  const askedAtMs = new Map<number, number>();

  const readThrough: StoredLog['readThrough'] = async (partitions, signal) => {
    if (signal.aborted || partitions.length === 0) return;
    const heads = await readHeads(clickhouse, { generation, partitions });
    for (const [partition, { last }] of heads) {
      positions.set(partition, Math.max(positions.get(partition) ?? -1, last?.headOffset ?? -1));
    }
  };

  return {
    rows: (tenantId, afterSeq, limit, signal) =>
      readLog(clickhouse, { tenantId, afterSeq, limit }, { ...bounded, signal }),
    texts: (tenantId, afterSeq, limit, signal) =>
      readLogTexts(clickhouse, { tenantId, afterSeq, limit }, { ...bounded, signal }),
    bounds: (tenantId, signal) => readLogBounds(clickhouse, tenantId, { signal, deadlineMs: queryDeadlineMs }),
    seqBefore: (tenantId, timeMs, signal) =>
      readSeqBefore(clickhouse, { tenantId, timeMs }, { signal, deadlineMs: queryDeadlineMs }),
    firstAt: (tenantId, place, signal) =>
      readFirstAt(clickhouse, { tenantId, ...place }, { signal, deadlineMs: queryDeadlineMs }),
    place: (tenantId, seq, signal) => readPlace(clickhouse, { tenantId, seq }, { signal, deadlineMs: queryDeadlineMs }),
    through: (partition) => positions.get(partition),
    readThrough,
    refresh: (partition) => {
      if (Date.now() - (askedAtMs.get(partition) ?? 0) < refreshIntervalMs) return;
      askedAtMs.set(partition, Date.now());
      const deadline = AbortSignal.timeout(queryDeadlineMs);
      readThrough([partition], deadline).catch((error: unknown) =>
        logger.debug({ err: error, partition }, 'positions.unknown'),
      );
    },
  };
}
