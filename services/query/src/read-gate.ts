import { DocketError } from '@docket/runtime';
import type { QueryMetrics } from './metrics.ts';

export interface ReadGateLimits {
  readonly readsMax: number;
  readonly tenantReadsMax: number;
}

export interface ReadGate {
  /** Runs a read, or throws `overloaded` or `rate_limited` at once: nothing queues here (I8). */
  run<T>(tenantId: string, read: () => Promise<T>): Promise<T>;
}

/** Bounds the reads under way, of the process and of each tenant, so that one tenant's searches cannot take all places (I7). */
export function createReadGate({ readsMax, tenantReadsMax }: ReadGateLimits, metrics: QueryMetrics): ReadGate {
  const readsOf = new Map<string, number>();
  let reads = 0;

  function enter(tenantId: string): void {
    const own = readsOf.get(tenantId) ?? 0;
    if (own >= tenantReadsMax) {
      metrics.readsRefused.inc({ limit: 'tenant' });
      throw new DocketError('rate_limited', `More than ${tenantReadsMax} reads of this tenant are under way.`);
    }
    if (reads >= readsMax) {
      metrics.readsRefused.inc({ limit: 'process' });
      throw new DocketError('overloaded', 'Too many reads are under way.');
    }
    readsOf.set(tenantId, own + 1);
    reads++;
    metrics.readsInFlight.set(reads);
  }

  function leave(tenantId: string): void {
    const own = readsOf.get(tenantId) ?? 0;
    if (own <= 1) readsOf.delete(tenantId);
    else readsOf.set(tenantId, own - 1);
    reads--;
    metrics.readsInFlight.set(reads);
  }

  return {
    async run(tenantId, read) {
      enter(tenantId);
      try {
        return await read();
      } finally {
        leave(tenantId);
      }
    },
  };
}
