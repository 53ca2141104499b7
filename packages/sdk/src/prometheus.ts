import { Counter, Gauge, type Registry, register as defaultRegister } from 'prom-client';
import type { Docket, DocketStats } from './docket.ts';

export interface DocketMetricsOptions {
  /** Default: prom-client's own. */
  register?: Registry | undefined;
  /** Before every name. Default `docket_sdk_`. */
  prefix?: string | undefined;
}

type Count = (stats: DocketStats) => number;

const counters: Readonly<Record<string, readonly [help: string, count: Count]>> = {
  recorded_total: ['Events that the spool has taken.', ({ recorded }) => recorded],
  accepted_total: ['Events that are in the log.', ({ accepted }) => accepted],
  refused_total: ['Events that the receiver will never take.', ({ refused }) => refused],
  requests_total: ['Requests to the receiver.', ({ requests }) => requests],
  requests_failed_total: ['Requests that had to be repeated.', ({ requestsFailed }) => requestsFailed],
  spool_faults_total: ['Times that the disk of the spool failed.', ({ spoolFaults }) => spoolFaults],
};

const gauges: Readonly<Record<string, readonly [help: string, count: Count]>> = {
  queued_events: ['Events that are not in the log yet.', ({ queuedEvents }) => queuedEvents],
  queued_bytes: ['Bytes of events that are not in the log yet.', ({ queuedBytes }) => queuedBytes],
  queued_bytes_max: ['The limit of queued_bytes.', ({ queuedBytesMax }) => queuedBytesMax],
  held_events: ['Events of tenants that are over their quota at the gateway.', ({ heldEvents }) => heldEvents],
  queued_in_memory_events: ['Events that would be lost with the process.', ({ queuedInMemory }) => queuedInMemory],
  spool_on_disk: ['Whether the next event is kept on disk: 1 or 0.', ({ keptOn }) => (keptOn === 'disk' ? 1 : 0)],
};

/**
 * Registers a recorder's counts with prom-client; they are read when the registry is. Alert on `spool_on_disk` = 0, and on
 * `queued_events` that only grow. Throws, as prom-client does, when the names are taken: once for each registry and prefix.
 */
export function registerDocketMetrics(docket: Pick<Docket, 'stats'>, options: DocketMetricsOptions = {}): void {
  const { register = defaultRegister, prefix = 'docket_sdk_' } = options;
  const registers = [register];
  for (const [name, [help, count]] of Object.entries(counters)) {
    const counter: Counter = new Counter({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        counter.reset();
        counter.inc(count(docket.stats()));
      },
    });
  }
  const rejected: Counter = new Counter({
    name: `${prefix}rejected_total`,
    help: 'Events that were not recorded, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      rejected.reset();
      for (const [reason, events] of Object.entries(docket.stats().rejected)) rejected.inc({ reason }, events);
    },
  });
  for (const [name, [help, count]] of Object.entries(gauges)) {
    const gauge: Gauge = new Gauge({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        gauge.set(count(docket.stats()));
      },
    });
  }
}
