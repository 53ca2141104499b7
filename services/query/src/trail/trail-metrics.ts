import { countedFromZero, type Registry } from '@docket/runtime';
import { Counter, Gauge } from 'prom-client';
import { readingKinds } from './reading.ts';

export type TrailMetrics = ReturnType<typeof createTrailMetrics>;

export function createTrailMetrics(registry: Registry) {
  const registers = [registry];
  return {
    readings: countedFromZero(
      new Counter({
        name: 'docket_query_readings_total',
        help: 'Answers that show something of a log, by kind of reading; each is in the access trail of its tenant',
        labelNames: ['kind'] as const,
        registers,
      }),
      readingKinds.map((kind) => ({ kind })),
    ),
    events: countedFromZero(
      new Counter({
        name: 'docket_query_trail_events_total',
        help: 'Events of the access trail by outcome: published, failed (Kafka away; tried again), dropped (no valid event, also not in short: a bug)',
        labelNames: ['outcome'] as const,
        registers,
      }),
      [{ outcome: 'published' }, { outcome: 'failed' }, { outcome: 'dropped' }],
    ),
    refused: new Counter({
      name: 'docket_query_trail_refused_total',
      help: 'Readings that were answered 503 trail_unavailable because the spool was full or its disk failed',
      registers,
    }),
    rateLimited: new Counter({
      name: 'docket_query_trail_rate_limited_total',
      help: 'Readings that were answered 429 rate_limited because their tenant or key had its share of the spool',
      registers,
    }),
    windows: new Gauge({
      name: 'docket_query_trail_windows',
      help: 'Readings, repeats not counted, that are still counted or wait for Kafka',
      registers,
    }),
    spoolBytes: new Gauge({
      name: 'docket_query_trail_spool_bytes',
      help: 'Bytes of the spool of readings on disk; at TRAIL_SPOOL_BYTES_MAX reads are refused',
      registers,
    }),
    spoolBytesMax: new Gauge({
      name: 'docket_query_trail_spool_bytes_max',
      help: 'The limit of docket_query_trail_spool_bytes',
      registers,
    }),
  };
}
