import { measureLatency } from './latencies.ts';
import { rounded, type Scenario } from './scenario.ts';
import { openSite } from './site.ts';
import { describeCores, measureThroughput } from './throughput.ts';

const tenants = 200;
const seconds = 15;
/** In the first seconds of a fresh Kafka and a fresh process both are many times slower. */
const warmUp = { events: 20_000, perSecond: 1_000, tenants: [0, tenants] } as const;
const warmUpDeadlineMs = 60_000;

/** Two hundred healthy receivers, one for each tenant: as fast as it goes, then the times at half of that. */
function healthy(layout: 'single' | 'batch', ahead: number): Scenario {
  return {
    name: layout,
    run: async ({ say, scale }) => {
      const endpoints = Array.from({ length: tenants }, (_, tenant) => ({ tenant, layout }));
      const site = await openSite({ tenants, endpoints, hasIngestor: false });
      try {
        await site.startDelivery();
        // What a running installation has behind it: connections, compiled code.
        await site.load.publish(warmUp);
        await site.untilAcknowledged(0, tenants, warmUpDeadlineMs);
        const top = await measureThroughput(site, { seconds: seconds * scale, ahead, tenants });
        say(
          `${layout}: ${top.eventsPerSecond.toFixed(0)} events/s in ${top.requestsPerSecond.toFixed(0)} requests/s; CPU ${top.cpuMicrosPerEvent.toFixed(1)} µs an event, ${top.cpuMsPerRequest.toFixed(3)} ms a request; RSS ${top.rssMiBPeak.toFixed(0)} MiB`,
        );
        say(`${layout}: processors used: ${describeCores(top.cores)}`);
        const perSecond = Math.floor(top.eventsPerSecond / 2);
        const order = { events: Math.floor(perSecond * seconds * scale), perSecond, tenants: [0, tenants] } as const;
        const times = await measureLatency(site, order, [0, tenants]);
        say(`${layout} at ${perSecond}/s: p50 ${times.p50.toFixed(1)} ms, p99 ${times.p99.toFixed(1)} ms`);
        return {
          [`${layout}_events_per_second`]: Math.round(top.eventsPerSecond),
          [`${layout}_requests_per_second`]: Math.round(top.requestsPerSecond),
          [`${layout}_cpu_us_per_event`]: rounded(top.cpuMicrosPerEvent),
          [`${layout}_cpu_ms_per_request`]: rounded(top.cpuMsPerRequest),
          [`${layout}_rss_mib_peak`]: Math.round(top.rssMiBPeak),
          [`${layout}_half_load_p50_ms`]: rounded(times.p50),
          [`${layout}_half_load_p99_ms`]: rounded(times.p99),
        };
      } finally {
        await site.close();
      }
    },
  };
}

export const single = healthy('single', 8_000);
export const batch = healthy('batch', 28_000);
