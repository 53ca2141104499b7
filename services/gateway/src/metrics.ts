import { countedFromZero, type Registry } from '@docket/runtime';
import { Counter, Gauge, Histogram } from 'prom-client';

const eventOutcomes = ['published', 'quarantined', 'refused', 'failed'] as const;
const limits = ['key', 'tenant', 'key_bytes', 'all_bytes'] as const;
const upstreams = ['query', 'admin', 'delivery'] as const;

export interface GatewayMetrics {
  /** Events by what became of them. */
  events(outcome: (typeof eventOutcomes)[number], count: number): void;
  published(seconds: number, events: number): void;
  /** Requests that were refused for a limit: of the key's or a tenant's events, of one key's or of all bytes under way. */
  limited(by: (typeof limits)[number]): void;
  upstreamFailed(upstream: (typeof upstreams)[number]): void;
}

export function createGatewayMetrics(
  registry: Registry,
  fill: {
    inFlightBytes(): number;
    inFlightBytesMax: number;
    queuedBytes(): number;
    queueBytesMax(): number;
    trackedTenants(): number;
    trackedTenantsMax: number;
  },
): GatewayMetrics {
  const registers = [registry];
  const events = countedFromZero(
    new Counter({
      name: 'docket_gateway_events_total',
      help: 'Events received: published, quarantined (lenient handling), refused (the caller’s error), failed (Kafka’s or ours).',
      labelNames: ['outcome'],
      registers,
    }),
    eventOutcomes.map((outcome) => ({ outcome })),
  );
  const publish = new Histogram({
    name: 'docket_gateway_publish_duration_seconds',
    help: 'Time from handing a request’s events to the publisher until Kafka has acknowledged all, or failed.',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers,
  });
  const batch = new Histogram({
    name: 'docket_gateway_batch_events',
    help: 'Events in one request.',
    buckets: [1, 2, 5, 10, 50, 100, 500, 1000],
    registers,
  });
  const limited = countedFromZero(
    new Counter({
      name: 'docket_gateway_limited_requests_total',
      help: 'Requests refused for a limit: key and tenant (429, events a second), key_bytes (429) and all_bytes (503) under way at once.',
      labelNames: ['by'],
      registers,
    }),
    limits.map((by) => ({ by })),
  );
  const upstreamErrors = countedFromZero(
    new Counter({
      name: 'docket_gateway_upstream_errors_total',
      help: 'Requests that were passed on and met no answer.',
      labelNames: ['upstream'],
      registers,
    }),
    upstreams.map((upstream) => ({ upstream })),
  );
  const gauge = (name: string, help: string, value: () => number): Gauge => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(value()) });
    return made;
  };
  gauge('docket_gateway_in_flight_bytes', 'Bytes of request bodies being read or published.', () =>
    fill.inFlightBytes(),
  );
  gauge(
    'docket_gateway_in_flight_bytes_max',
    'The limit of docket_gateway_in_flight_bytes.',
    () => fill.inFlightBytesMax,
  );
  gauge('docket_gateway_publish_queue_bytes', 'Bytes that wait for Kafka.', () => fill.queuedBytes());
  gauge('docket_gateway_publish_queue_bytes_max', 'The limit of docket_gateway_publish_queue_bytes.', () =>
    fill.queueBytesMax(),
  );
  gauge('docket_gateway_tracked_tenants', 'Tenants whose quota of events is being counted.', () =>
    fill.trackedTenants(),
  );
  gauge(
    'docket_gateway_tracked_tenants_max',
    'The limit of docket_gateway_tracked_tenants: beyond it the least recently seen begin anew.',
    () => fill.trackedTenantsMax,
  );
  return {
    limited: (by) => limited.inc({ by }),
    events: (outcome, count) => {
      if (count > 0) events.inc({ outcome }, count);
    },
    published: (seconds, count) => {
      publish.observe(seconds);
      batch.observe(count);
    },
    upstreamFailed: (upstream) => upstreamErrors.inc({ upstream }),
  };
}
