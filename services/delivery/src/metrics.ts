import { countedFromZero, type Registry } from '@docket/runtime';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Outcome } from './machine/outcome-policy.ts';

const outcomes: readonly Outcome['kind'][] = ['delivered', 'retry', 'split', 'reject_event', 'misconfigured', 'gone'];

export type DeliveryMetrics = ReturnType<typeof createDeliveryMetrics>;

export function createDeliveryMetrics(registry: Registry) {
  const registers = [registry];
  return {
    attempts: countedFromZero(
      new Counter({
        name: 'docket_delivery_attempts_total',
        help: 'Requests to receivers, by outcome: delivered, retry, split, reject_event, misconfigured, gone',
        labelNames: ['outcome'] as const,
        registers,
      }),
      outcomes.map((outcome) => ({ outcome })),
    ),
    events: new Counter({
      name: 'docket_delivery_events_total',
      help: 'Events that receivers have acknowledged',
      registers,
    }),
    attemptSeconds: new Histogram({
      name: 'docket_delivery_attempt_seconds',
      help: 'Duration of one request to a receiver, in seconds',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    freshnessSeconds: new Histogram({
      name: 'docket_delivery_freshness_seconds',
      help: 'From the append to Kafka to the acknowledgement, of the oldest event of each batch that succeeded at its first try, in seconds',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    reads: new Counter({
      name: 'docket_delivery_reads_total',
      help: 'Batches looked for, by where: tail (Kafka), clickhouse (catch-up), held (a retry); and by result: batch, proof, nothing, behind, failed, expired, located, renumbered',
      labelNames: ['source', 'result'] as const,
      registers,
    }),
    slots: new Gauge({
      name: 'docket_delivery_slots',
      help: 'Requests under way and waiting, by pool: live, catch_up, unproven, doubtful, failing, and slow: those of any pool that others need not wait for any more',
      labelNames: ['pool', 'state'] as const,
      registers,
    }),
    windowsNarrowed: new Counter({
      name: 'docket_delivery_windows_narrowed_total',
      help: 'Windows of which the first batch alone was sent, because what its tenant has under way left no room for the bytes of more',
      registers,
    }),
    subscriptions: new Gauge({
      name: 'docket_delivery_subscriptions',
      help: 'Subscriptions of this instance, by phase of their machine',
      labelNames: ['phase'] as const,
      registers,
    }),
    tailBytes: new Gauge({
      name: 'docket_delivery_tail_bytes',
      help: 'Bytes of records kept for delivery, over all partitions of this instance',
      registers,
    }),
    heldBytes: new Gauge({
      name: 'docket_delivery_held_bytes',
      help: 'Bytes of batches that wait for their next try',
      registers,
    }),
    lookups: new Gauge({
      name: 'docket_delivery_lookups',
      help: "Receivers' names that are being looked up; never more than requests are under way, and each for 4 s at most",
      registers,
    }),
    parked: new Gauge({
      name: 'docket_delivery_parked_events',
      help: 'Events that are parked, of all subscriptions; every instance knows all',
      registers,
    }),
    cursorsUnreadable: new Gauge({
      name: 'docket_delivery_unreadable_cursors',
      help: 'Subscriptions that are not delivered because their cursors cannot be read; every instance knows all',
      registers,
    }),
    cursorsRenumbered: new Counter({
      name: 'docket_delivery_cursors_renumbered_total',
      help: 'Cursors that were counted by other numbers than their logs have, after an accepted loss, and were moved back',
      registers,
    }),
    cursorsFailed: new Counter({
      name: 'docket_delivery_cursor_saves_failed_total',
      help: 'Cursors that Kafka did not acknowledge; each is saved again',
      registers,
    }),
    notices: countedFromZero(
      new Counter({
        name: 'docket_delivery_notices_total',
        help: 'Notices of failing, suspended and recovered subscriptions by where they are told (log, webhook) and whether they were; lost ones were tried for hours',
        labelNames: ['target', 'outcome'] as const,
        registers,
      }),
      ['log', 'webhook'].flatMap((target) => ['told', 'lost'].map((outcome) => ({ target, outcome }))),
    ),
    attemptsLost: new Counter({
      name: 'docket_delivery_attempt_records_lost_total',
      help: 'Records of attempts that could not be published; the deliveries themselves are not affected',
      registers,
    }),
  };
}
