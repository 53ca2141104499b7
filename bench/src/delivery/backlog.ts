import { eventually } from '@docket/testkit';
import { startMeter } from '../process-meter.ts';
import { measureLatency } from './latencies.ts';
import { rounded, type Scenario } from './scenario.ts';
import { openSite, type Endpoint } from './site.ts';

const backlogFull = 1_000_000;
const liveTenants = 20;
const perSecond = 200;
const seconds = 20;
const storedDeadlineMs = 300_000;
const drainDeadlineMs = 600_000;

/** One ordered subscriber has a million stored events to catch up with, from ClickHouse, beside the live traffic of others. */
export const backlog: Scenario = {
  name: 'backlog',
  run: async ({ say, scale }) => {
    const events = Math.ceil(backlogFull * scale);
    const endpoints = Array.from({ length: liveTenants + 1 }, (_, tenant): Endpoint => {
      const isPaused = tenant === liveTenants;
      return { tenant, layout: 'batch', isPaused };
    });
    const site = await openSite({ tenants: liveTenants + 1, endpoints, hasIngestor: true });
    const { world, load, receivers } = site;
    try {
      await load.publish({ events, perSecond: 0, tenants: [liveTenants, liveTenants + 1] });
      const countSql = 'SELECT count() AS n FROM audit_events';
      await eventually(async () => ((await world.clickhouse.query<{ n: number }>(countSql))[0]?.n ?? 0) >= events, {
        what: `${events} stored events`,
        deadlineMs: storedDeadlineMs,
      });
      await site.startDelivery();
      const order = { events: perSecond * seconds, perSecond, tenants: [0, liveTenants] } as const;
      await measureLatency(site, order, [0, liveTenants]);
      const before = await measureLatency(site, order, [0, liveTenants]);
      const meter = startMeter(new Map([['delivery', site.delivery().pid]]));
      const beganAtMs = performance.now();
      await site.setPaused(liveTenants, false);
      const during = measureLatency(site, order, [0, liveTenants]);
      // Its failure is met where it is awaited.
      during.catch(() => undefined);
      await eventually(async () => (await receivers.counts(liveTenants, liveTenants + 1)).acknowledged >= events, {
        what: 'the end of the backlog',
        deadlineMs: drainDeadlineMs,
        intervalMs: 50,
      });
      const drainSeconds = (performance.now() - beganAtMs) / 1_000;
      const used = meter.stop().get('delivery');
      const live = await during;
      await site.untilAcknowledged(0, liveTenants + 1, drainDeadlineMs);
      const eventsPerSecond = events / drainSeconds;
      const cpuMicros = ((used?.cpuSeconds ?? 0) * 1e6) / events;
      const ratio = live.p99 / before.p99;
      say(
        `backlog of ${events}: ${eventsPerSecond.toFixed(0)} events/s to one ordered subscriber, ${cpuMicros.toFixed(1)} µs of CPU an event; live p99 ${before.p99.toFixed(1)} ms before, ${live.p99.toFixed(1)} ms beside it (${ratio.toFixed(2)}×)`,
      );
      return {
        backlog_events: events,
        backlog_events_per_second: Math.round(eventsPerSecond),
        backlog_cpu_us_per_event: rounded(cpuMicros),
        backlog_rss_mib_peak: Math.round((used?.rssBytesPeak ?? 0) / 2 ** 20),
        backlog_live_before_p99_ms: rounded(before.p99),
        backlog_live_p99_ms: rounded(live.p99),
        backlog_live_p99_ratio: rounded(ratio),
      };
    } finally {
      await site.close();
    }
  },
};
