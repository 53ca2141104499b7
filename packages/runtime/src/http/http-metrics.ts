import { Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export interface HttpMetrics {
  observe(request: { method: string; route: string; statusClass: string; seconds: number }): void;
  readonly inFlight: Gauge;
}

/** Labels are bounded: route patterns, known methods, status classes. `aborted` is a client that went before the answer ended. */
export function createHttpMetrics(registry: Registry): HttpMetrics {
  const duration = new Histogram({
    name: 'docket_http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer.',
    labelNames: ['method', 'route', 'status_class'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'docket_http_requests_in_flight',
    help: 'Requests whose answer has not ended.',
    registers: [registry],
  });
  return {
    observe: ({ method, route, statusClass, seconds }) =>
      duration.observe({ method: methods.has(method) ? method : 'other', route, status_class: statusClass }, seconds),
    inFlight,
  };
}
