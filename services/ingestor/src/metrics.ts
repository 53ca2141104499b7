import { eventStatuses } from '@docket/event';
import { countedFromZero, type Registry } from '@docket/runtime';
import { Counter, Gauge, Histogram } from 'prom-client';

/** Of the codes with which ClickHouse refuses a block, those that are named in the help; others come with their first failure. */
const namedCodes = [0, 164, 241, 243, 252, 774];

export type IngestorMetrics = ReturnType<typeof createIngestorMetrics>;

/** @param stalledMs for how long records have waited without a row being stored; asked at every scrape. */
export function createIngestorMetrics(registry: Registry, stalledMs: () => number) {
  const registers = [registry];
  return {
    rows: countedFromZero(
      new Counter({
        name: 'docket_ingestor_rows_total',
        help: 'Rows stored, by status',
        labelNames: ['status'] as const,
        registers,
      }),
      eventStatuses.map((status) => ({ status })),
    ),
    inserts: countedFromZero(
      new Counter({
        name: 'docket_ingestor_inserts_total',
        help: 'Block inserts, by outcome: stored, unavailable (tried again), refused (bisected), fenced (given up)',
        labelNames: ['outcome'] as const,
        registers,
      }),
      [{ outcome: 'stored' }, { outcome: 'unavailable' }, { outcome: 'refused' }, { outcome: 'fenced' }],
    ),
    insertFailures: countedFromZero(
      new Counter({
        name: 'docket_ingestor_insert_failures_total',
        help: 'Block inserts that failed, by the code of ClickHouse (252 too many parts, 243 no space, 241 memory, 164 and 774 read-only); 0: no answer',
        labelNames: ['code'] as const,
        registers,
      }),
      namedCodes.map((code) => ({ code })),
    ),
    insertSeconds: new Histogram({
      name: 'docket_ingestor_insert_seconds',
      help: 'Duration of one block insert, in seconds',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    queueBytes: new Gauge({
      name: 'docket_ingestor_queue_bytes',
      help: 'Bytes of rows that wait for their insert',
      registers,
    }),
    stalledSeconds: new Gauge({
      name: 'docket_ingestor_stalled_seconds',
      help: 'For how long records have waited without a row being stored; 0 when none wait. /readyz fails above 15',
      registers,
      collect() {
        this.set(stalledMs() / 1000);
      },
    }),
    openPartitions: new Gauge({
      name: 'docket_ingestor_open_partitions',
      help: 'Partitions that this instance owns and reads; 0 while it is no member of its group (Kafka away) or prepares its assignment',
      registers,
    }),
    schemaWaits: new Gauge({
      name: 'docket_ingestor_schema_waits',
      help: 'Partitions whose next records wait for the schema registry, because it is away or does not know their schema',
      registers,
    }),
    lagRecords: new Gauge({
      name: 'docket_ingestor_lag_records',
      help: 'Offsets between what is stored and the end of the partition',
      labelNames: ['partition'] as const,
      registers,
    }),
    stoppedPartitions: new Gauge({
      name: 'docket_ingestor_stopped_partitions',
      help: 'Partitions that wait for an operator because Kafka and ClickHouse do not meet, or because a batch cannot be read (see the log and /readyz)',
      registers,
    }),
    unreadableFetches: countedFromZero(
      new Counter({
        name: 'docket_ingestor_unreadable_fetches_total',
        help: 'Fetches of a partition that ended at a batch that cannot be read, by reason: damaged, too_large, undecodable; the partition waits, and the batch is fetched again',
        labelNames: ['reason'] as const,
        registers,
      }),
      [{ reason: 'damaged' }, { reason: 'too_large' }, { reason: 'undecodable' }],
    ),
    missingRows: new Gauge({
      name: 'docket_ingestor_missing_rows',
      help: 'Rows that the logs of this instance lack or have too many, as of its last assignment: see docket verify, docket repair',
      registers,
    }),
    headsRecorded: countedFromZero(
      new Counter({
        name: 'docket_ingestor_heads_recorded_total',
        help: 'Times that the heads of logs were written to log_heads, by outcome: recorded, failed (tried again at the next time)',
        labelNames: ['outcome'] as const,
        registers,
      }),
      [{ outcome: 'recorded' }, { outcome: 'failed' }],
    ),
    sourceGaps: countedFromZero(
      new Counter({
        name: 'docket_ingestor_source_gap_events_total',
        help: 'Events of Docket about the running numbers of sources, by kind: gap (numbers have been missing for a minute), closed (all of them arrived late)',
        labelNames: ['kind'] as const,
        registers,
      }),
      [{ kind: 'gap' }, { kind: 'closed' }],
    ),
    sourceMissing: new Gauge({
      name: 'docket_ingestor_source_missing_events',
      help: 'Events that sources have numbered, of the partitions of this instance, and that have been told as missing and have not arrived since',
      registers,
    }),
    sourceLooks: countedFromZero(
      new Counter({
        name: 'docket_ingestor_source_looks_total',
        help: 'Times that the running numbers of sources were counted, by outcome: done, failed (done again ten seconds later)',
        labelNames: ['outcome'] as const,
        registers,
      }),
      [{ outcome: 'done' }, { outcome: 'failed' }],
    ),
    unreadableAttempts: new Counter({
      name: 'docket_ingestor_unreadable_attempts_total',
      help: 'Records of the attempts topic that are no delivery attempt; they are left out',
      registers,
    }),
    refusedAttempts: new Counter({
      name: 'docket_ingestor_refused_attempts_total',
      help: 'Delivery attempts whose row ClickHouse does not take; they are left out',
      registers,
    }),
    prepareSeconds: new Gauge({
      name: 'docket_ingestor_prepare_seconds',
      help: 'How long the last assignment took from the join to the first fetch, in seconds',
      registers,
    }),
  };
}
