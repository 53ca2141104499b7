import { recordHeads, type ClickHouse } from '@docket/clickhouse';
import type { Logger } from '@docket/runtime';
import type { IngestorMetrics } from './metrics.ts';

/** Heads outlive rows only when rows are cut, which retention does by whole days. */
const betweenMs = 3_600_000;

/** Writes down where the logs stand (log_heads), beside the ingest: nobody waits for it, and it ends when the owner's run does. */
export interface HeadsKeeper {
  keep(owned: { readonly owner: string; readonly partitions: readonly number[] }, signal: AbortSignal): void;
}

export function createHeadsKeeper(ports: {
  readonly clickhouse: ClickHouse;
  readonly generation: number;
  readonly logger: Logger;
  readonly metrics: Pick<IngestorMetrics, 'headsRecorded'>;
}): HeadsKeeper {
  const { clickhouse, generation, logger, metrics } = ports;
  return {
    keep({ owner, partitions }, signal) {
      const owners = new Map(partitions.map((partition) => [partition, owner]));
      async function record(): Promise<void> {
        try {
          await recordHeads(clickhouse, { generation, owners }, signal);
          metrics.headsRecorded.inc({ outcome: 'recorded' });
        } catch (error) {
          if (signal.aborted) return;
          metrics.headsRecorded.inc({ outcome: 'failed' });
          logger.warn({ err: error, partitions }, 'heads.not_recorded');
        }
        if (signal.aborted) return;
        const timer = setTimeout(() => void record(), betweenMs);
        signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      }
      void record();
    },
  };
}
