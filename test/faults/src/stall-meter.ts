import { setTimeout as pause } from 'node:timers/promises';
import type { Drain } from './drain.ts';

export interface StallMeter {
  /**
   * The longest time, in ms, for which a partition has had records that waited and got no row, since the last call; what still
   * waits now counts.
   */
  lap(): number;
  stop(): Promise<void>;
}

const sampleMs = 50;

/** Watches each partition of a drain from now on. */
export function startStallMeter(drain: Drain): StallMeter {
  /** Partition → where it was stored up to, and since when it has waited; null when nothing waited. */
  const seen = new Map<number, { next: number; waitsSinceMs: number | null }>();
  let longestMs = 0;
  const stopping = new AbortController();

  async function sample(): Promise<void> {
    const acknowledged = new Map(drain.ends);
    const rows = await drain.world.clickhouse.query<{ partition: number; next: number }>(
      'SELECT src_partition AS partition, max(src_offset) + 1 AS next FROM audit_events GROUP BY partition',
    );
    const nowMs = performance.now();
    const stored = new Map(rows.map(({ partition, next }) => [partition, next]));
    for (const [partition, end] of acknowledged) {
      const next = stored.get(partition) ?? 0;
      const before = seen.get(partition);
      const hasMoved = before === undefined || before.next !== next;
      const sinceMs = before?.waitsSinceMs ?? null;
      if (sinceMs !== null) longestMs = Math.max(longestMs, nowMs - sinceMs);
      const waitsSinceMs = next >= end ? null : hasMoved ? nowMs : (sinceMs ?? nowMs);
      seen.set(partition, { next, waitsSinceMs });
    }
  }

  const sampling = (async () => {
    while (!stopping.signal.aborted) {
      // A server that is away answers nothing; the time counts all the same when it is back.
      await sample().catch(() => undefined);
      await pause(sampleMs);
    }
  })();

  return {
    lap() {
      const lap = longestMs;
      longestMs = 0;
      for (const partition of seen.values())
        if (partition.waitsSinceMs !== null) partition.waitsSinceMs = performance.now();
      return lap;
    },
    async stop() {
      stopping.abort();
      await sampling;
    },
  };
}
