import type { Registry } from 'prom-client';

import type { ApiRouter } from './http/api-router.ts';
import type { Logger } from './logger.ts';

export interface HealthCheck {
  readonly ok: boolean;
  /** What is missing and since when, without secrets: /readyz shows it. */
  readonly detail?: string;
}

export interface Health {
  /** True when the service does its work now; a load balancer sends traffic to ready instances only. */
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, HealthCheck>>;
}

/**
 * A service without its process. `createXApp(config, ports)` does no I/O and starts nothing.
 * - `start` MUST return once background work runs; it MUST NOT wait for Kafka or ClickHouse to come up: `health` says that they are away.
 *   It rejects only when the service can never work, and the process then exits 1.
 * - `drain` is called when the stop begins, before HTTP closes: it ends answers that would not end by themselves, such as streams. It returns at once.
 * - `stop` finishes or abandons what is under way and leaves no timer, socket or listener. It is called once, after HTTP has closed, and MUST
 *   work on an app whose start failed.
 * - `health` is cheap and synchronous: it reads what background work found.
 * - `router` has its routes when `createXApp` returns, each declared (see Endpoint) with its full path (`/v1/events/:id`), which
 *   is also the metrics' label.
 */
export interface App {
  start(): Promise<void>;
  drain?(): void;
  stop(): Promise<void>;
  health(): Health;
  readonly router: ApiRouter;
}

/** What an app is given by its process. */
export interface AppPorts {
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Ends the process with code 1 after a clean stop: for what must not go on, such as a fenced writer. Returns at once. */
  exit(reason: Error): void;
}

/** Makes the usual health: ready when all checks are ok. */
export function healthOf(checks: Readonly<Record<string, HealthCheck>>): Health {
  return { ready: Object.values(checks).every((check) => check.ok), checks };
}
