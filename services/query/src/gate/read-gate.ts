import { DocketError } from '@docket/runtime';
import type { QueryMetrics } from '../metrics.ts';
import { createPlaces, type PlaceHolder, type PlaceLimits } from './places.ts';

export interface ReadGate {
  /** Runs a read, or throws `overloaded` or `rate_limited` at once. */
  run<T>(holder: PlaceHolder, read: () => Promise<T>): Promise<T>;
}

/** Bounds the reads under way in ClickHouse. */
export function createReadGate(
  limits: PlaceLimits,
  metrics: Pick<QueryMetrics, 'readsInFlight' | 'readsRefused'>,
): ReadGate {
  const places = createPlaces(limits, metrics.readsInFlight);
  return {
    async run(holder, read) {
      const place = places.enter(holder);
      if (!place.ok) {
        metrics.readsRefused.inc({ limit: place.limit });
        if (place.limit === 'process') throw new DocketError('overloaded', 'Too many reads are under way.');
        throw new DocketError('rate_limited', `${place.max} reads of this ${place.limit} are under way.`);
      }
      try {
        return await read();
      } finally {
        place.leave();
      }
    },
  };
}
