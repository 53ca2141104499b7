import { readHeads } from '@docket/clickhouse';
import type { ClickHouse } from '@docket/clickhouse';
import type { Logger } from '@docket/runtime';

/** How far ClickHouse holds each partition (I4: a prefix). Known only when asked for; never falls. */
export interface StoredPositions {
  /** Every record of the partition up to this offset has its row; undefined when not known yet. */
  through(partition: number): number | undefined;
  /** Asks ClickHouse for these partitions; rejects when it does not answer. */
  read(partitions: readonly number[], signal: AbortSignal): Promise<void>;
  /** Asks again in the background, at most once a second a partition. */
  refresh(partition: number): void;
}

const refreshIntervalMs = 1_000;

export function createStoredPositions(clickhouse: ClickHouse, generation: number, logger: Logger): StoredPositions {
  const positions = new Map<number, number>();
  const askedAtMs = new Map<number, number>();

  const read = async (partitions: readonly number[], signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted === true || partitions.length === 0) return;
    const heads = await readHeads(clickhouse, { generation, partitions });
    for (const [partition, { last }] of heads) {
      positions.set(partition, Math.max(positions.get(partition) ?? -1, last?.headOffset ?? -1));
    }
  };

  return {
    through: (partition) => positions.get(partition),
    read,
    refresh: (partition) => {
      if (Date.now() - (askedAtMs.get(partition) ?? 0) < refreshIntervalMs) return;
      askedAtMs.set(partition, Date.now());
      read([partition]).catch((error: unknown) => logger.debug({ err: error, partition }, 'positions.unknown'));
    },
  };
}
