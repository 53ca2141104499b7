import { DocketError } from '@docket/runtime';
import type { QueryMetrics, ReadKind } from '../metrics.ts';
import { readFailure } from '../pages/read-failure-policy.ts';
import { createPlaces, type PlaceHolder, type PlaceLimits } from './places.ts';

/** A read, and whose places it takes. */
export interface GatedRead extends PlaceHolder {
  readonly kind: ReadKind;
  /** Aborted when the caller went away: a failure is then not ClickHouse's. */
  readonly signal?: AbortSignal;
}

export interface ReadGate {
  /** Runs a read and measures it, or throws `overloaded` or `rate_limited` at once. What ClickHouse fails with is thrown as `readFailure` says it. */
  run<T>(read: GatedRead, work: () => Promise<T>): Promise<T>;
}

/** Bounds the reads under way in ClickHouse. */
export function createReadGate(
  limits: PlaceLimits,
  metrics: Pick<QueryMetrics, 'readsInFlight' | 'readsRefused' | 'readSeconds' | 'readFailures'>,
): ReadGate {
  const places = createPlaces(limits, metrics.readsInFlight);
  return {
    async run(read, work) {
      const place = places.enter(read);
      if (!place.ok) {
        metrics.readsRefused.inc({ limit: place.limit });
        if (place.limit === 'process') throw new DocketError('overloaded', 'Too many reads are under way.');
        throw new DocketError('rate_limited', `${place.max} reads of this ${place.limit} are under way.`);
      }
      const stopTimer = metrics.readSeconds.startTimer({ kind: read.kind });
      try {
        return await work();
      } catch (error) {
        const failure = readFailure(error);
        const code = failure instanceof DocketError ? failure.code : 'internal';
        metrics.readFailures.inc({ code: read.signal?.aborted === true ? 'aborted' : code });
        throw failure;
      } finally {
        stopTimer();
        place.leave();
      }
    },
  };
}
