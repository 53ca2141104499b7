import { countedFromZero, type Registry } from '@docket/runtime';
import { Counter, Gauge, Histogram } from 'prom-client';
import { exportFormatNames } from './exports/export-sql-mapper.ts';

/** What a failed read is to its caller (read-failure-policy.ts); aborted: the caller went away. */
const failureCodes = ['clickhouse_unavailable', 'query_too_expensive', 'schema_outdated', 'internal', 'aborted'];

/** What is read, in ClickHouse and within the limits on reads under way. */
const readKinds = [
  'list',
  'event',
  'feed',
  'seq_before',
  'bounds',
  'histogram',
  'facets',
  'ledger',
  'attempts',
  'places',
  'quarantine',
  'export',
] as const;

export type ReadKind = (typeof readKinds)[number];

export type QueryMetrics = ReturnType<typeof createQueryMetrics>;

export function createQueryMetrics(registry: Registry) {
  const registers = [registry];
  return {
    readSeconds: new Histogram({
      name: 'docket_query_read_seconds',
      help: `Duration of one read in ClickHouse, in seconds, by kind: ${readKinds.join(', ')}`,
      labelNames: ['kind'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    readFailures: countedFromZero(
      new Counter({
        name: 'docket_query_read_failures_total',
        help: 'Reads that ClickHouse did not carry out, by error code; aborted: the caller went away',
        labelNames: ['code'] as const,
        registers,
      }),
      failureCodes.map((code) => ({ code })),
    ),
    readsInFlight: new Gauge({
      name: 'docket_query_reads_in_flight',
      help: 'Reads under way in ClickHouse; the limit is QUERY_CONCURRENCY_MAX',
      registers,
    }),
    answerBytes: new Gauge({
      name: 'docket_query_answer_bytes',
      help: 'Bytes of answers that are held until they are sent, pages of tails included, in bytes; the limit is QUERY_ANSWER_BYTES_MAX',
      registers,
    }),
    readsRefused: countedFromZero(
      new Counter({
        name: 'docket_query_reads_refused_total',
        help: 'Reads refused at a limit: process (QUERY_CONCURRENCY_MAX), tenant (QUERY_TENANT_CONCURRENCY_MAX), key (QUERY_KEY_CONCURRENCY_MAX) or bytes (QUERY_ANSWER_BYTES_MAX)',
        labelNames: ['limit'] as const,
        registers,
      }),
      ['process', 'tenant', 'key', 'bytes'].map((limit) => ({ limit })),
    ),
    viewerTokens: countedFromZero(
      new Counter({
        name: 'docket_query_viewer_tokens_total',
        help: 'Viewer tokens that were made, by view: admin, user',
        labelNames: ['view'] as const,
        registers,
      }),
      [{ view: 'admin' }, { view: 'user' }],
    ),
    exportsRunning: new Gauge({
      name: 'docket_query_exports_running',
      help: 'Exports under way; the limit is EXPORT_CONCURRENCY_MAX',
      registers,
    }),
    exportsRefused: countedFromZero(
      new Counter({
        name: 'docket_query_exports_refused_total',
        help: 'Exports refused at a limit: process (EXPORT_CONCURRENCY_MAX), tenant (half of it) or key (EXPORT_KEY_CONCURRENCY_MAX)',
        labelNames: ['limit'] as const,
        registers,
      }),
      ['process', 'tenant', 'key'].map((limit) => ({ limit })),
    ),
    exports: countedFromZero(
      new Counter({
        name: 'docket_query_exports_total',
        help: 'Exports that ended, by format and outcome: complete, gone (the caller went away) or failed (the connection was destroyed)',
        labelNames: ['format', 'outcome'] as const,
        registers,
      }),
      exportFormatNames.flatMap((format) => ['complete', 'gone', 'failed'].map((outcome) => ({ format, outcome }))),
    ),
    exportedBytes: countedFromZero(
      new Counter({
        name: 'docket_query_exported_bytes_total',
        help: 'Bytes of exports that were sent, in bytes, by format',
        labelNames: ['format'] as const,
        registers,
      }),
      exportFormatNames.map((format) => ({ format })),
    ),
    tails: new Gauge({
      name: 'docket_query_tails_open',
      help: 'Tails that are open; the limit is TAIL_STREAMS_MAX',
      registers,
    }),
    tailsRefused: countedFromZero(
      new Counter({
        name: 'docket_query_tails_refused_total',
        help: 'Tails refused at a limit: process (TAIL_STREAMS_MAX), tenant (half of it) or key (TAIL_KEY_STREAMS_MAX)',
        labelNames: ['limit'] as const,
        registers,
      }),
      ['process', 'tenant', 'key'].map((limit) => ({ limit })),
    ),
    tailedEvents: new Counter({
      name: 'docket_query_tailed_events_total',
      help: 'Events that tails have sent',
      registers,
    }),
    waiters: new Gauge({
      name: 'docket_query_waiters',
      help: 'Requests that wait for an event to become readable; the limit is QUERY_WAITERS_MAX',
      registers,
    }),
  };
}
