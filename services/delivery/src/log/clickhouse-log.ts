import {
  readFirstAt,
  readHeads,
  readLog,
  readLogBounds,
  readLogTexts,
  readPlace,
  readSeqAt,
  readSeqBefore,
} from '@docket/clickhouse';
import type { ClickHouse, LogBounds, LogHead, PartitionHeads, RecordPlace, StoredText } from '@docket/clickhouse';
import type { StoredEventRow } from '@docket/event';
import type { Logger } from '@docket/runtime';

import type { LogPlace } from '../machine/delivery-state.ts';

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
  firstAt(tenantId: string, place: LogPlace, signal: AbortSignal): Promise<number | undefined>;
  place(tenantId: string, seq: number, signal: AbortSignal): Promise<RecordPlace | undefined>;
  /** The highest seq up to a place in Kafka; 0: none. */
  seqAt(tenantId: string, cut: LogPlace, signal: AbortSignal): Promise<number>;
  /** Every record of the partition up to this offset is stored (I4); as of an earlier moment, undefined when never known. */
  through(partition: number): number | undefined;
  /** How a watched log stood when `through` was read; undefined before. */
  head(partition: number, log: string): KnownHead | undefined;
  /** From the next reading on its head is known. */
  watch(partition: number, log: string): void;
  /** Reads `through` and the heads as of now, for these partitions. */
  readThrough(partitions: readonly number[], signal: AbortSignal): Promise<void>;
  /** Asks for it in the background, at most once a second a partition. */
  refresh(partition: number): void;
}

export type KnownHead = Pick<LogHead, 'firstSeq' | 'headSeq' | 'headOffset'>;

const noHead: KnownHead = { firstSeq: 1, headSeq: 0, headOffset: -1 };

const queryDeadlineMs = 10_000;
/** I8: of one catch-up read, of which as many are under way as there are connections. Beyond it the read is refused (isAnswerTooLarge) before a byte is sent. */
const answerBytesMax = 4 * 1024 * 1024;
/** Of texts that are read ahead, for a few subscribers: twice what they are meant to bring. */
const aheadBytesMax = 16 * 1024 * 1024;
const aheadRowsMin = 500;
const refreshIntervalMs = 1_000;

export function createStoredLog(clickhouse: ClickHouse, generation: number, logger: Logger): StoredLog {
  const bounded = (bytesMax: number) => ({ deadlineMs: queryDeadlineMs, settings: { max_result_bytes: bytesMax } });
  const standings = new Map<number, { readonly through: number; readonly heads: ReadonlyMap<string, KnownHead> }>();
  const watched = new Map<number, Set<string>>();
  const askedAtMs = new Map<number, number>();

  const take = (partition: number, { last, heads: found }: PartitionHeads): void => {
    const through = last?.headOffset ?? -1;
    // Of two readings the later may be answered first.
    if (through < (standings.get(partition)?.through ?? -1)) return;
    // Of very many logs only those that somebody subscribes to (I8).
    const heads = new Map([...(watched.get(partition) ?? [])].map((log) => [log, found.get(log) ?? noHead]));
    standings.set(partition, { through, heads });
  };

  const readThrough: StoredLog['readThrough'] = async (partitions, signal) => {
    if (signal.aborted || partitions.length === 0) return;
    const heads = await readHeads(clickhouse, { generation, partitions }, { signal });
    for (const [partition, found] of heads) take(partition, found);
  };

  return {
    rows: (tenantId, afterSeq, limit, signal) =>
      readLog(clickhouse, { tenantId, afterSeq, limit }, { ...bounded(answerBytesMax), signal }),
    texts: (tenantId, afterSeq, limit, signal) => {
      const bytesMax = limit < aheadRowsMin ? answerBytesMax : aheadBytesMax;
      return readLogTexts(clickhouse, { tenantId, afterSeq, limit }, { ...bounded(bytesMax), signal });
    },
    bounds: (tenantId, signal) => readLogBounds(clickhouse, tenantId, { signal, deadlineMs: queryDeadlineMs }),
    seqBefore: (tenantId, timeMs, signal) =>
      readSeqBefore(clickhouse, { tenantId, timeMs }, { signal, deadlineMs: queryDeadlineMs }),
    firstAt: (tenantId, place, signal) =>
      readFirstAt(clickhouse, { tenantId, ...place }, { signal, deadlineMs: queryDeadlineMs }),
    place: (tenantId, seq, signal) => readPlace(clickhouse, { tenantId, seq }, { signal, deadlineMs: queryDeadlineMs }),
    seqAt: (tenantId, cut, signal) =>
      readSeqAt(clickhouse, { tenantId, ...cut }, { signal, deadlineMs: queryDeadlineMs }),
    through: (partition) => standings.get(partition)?.through,
    head: (partition, log) => standings.get(partition)?.heads.get(log),
    watch: (partition, log) => {
      const logs = watched.get(partition) ?? new Set();
      watched.set(partition, logs.add(log));
    },
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
