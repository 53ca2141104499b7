import { rounded, type Scenario } from './scenario.ts';
import { openSite } from './site.ts';
import { measureThroughput } from './throughput.ts';

const subscriptions = 100;
const seconds = 15;
/** Few enough for one partition's tail. */
const ahead = 4_000;

/** One tenant's events to a hundred subscriptions. */
export const fanOut: Scenario = {
  name: 'fan_out',
  run: async ({ say, scale }) => {
    const endpoints = Array.from({ length: subscriptions }, () => ({ tenant: 0, layout: 'batch' as const }));
    const site = await openSite({ tenants: 1, endpoints, hasIngestor: false });
    try {
      await site.startDelivery();
      const top = await measureThroughput(site, { seconds: seconds * scale, ahead, tenants: 1 });
      say(
        `fan-out 1 to ${subscriptions}: ${top.eventsPerSecond.toFixed(0)} delivered events/s, ${top.cpuMicrosPerEvent.toFixed(1)} µs of CPU each`,
      );
      return {
        fan_out_subscriptions: subscriptions,
        fan_out_events_per_second: Math.round(top.eventsPerSecond),
        fan_out_cpu_us_per_event: rounded(top.cpuMicrosPerEvent),
      };
    } finally {
      await site.close();
    }
  },
};
