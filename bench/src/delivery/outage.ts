import { setTimeout as pause } from 'node:timers/promises';
import { rounded, type Scenario } from './scenario.ts';
import { openSite } from './site.ts';

const endpointCount = 50;
const perSecond = 500;
const outageSeconds = 60;
const drainDeadlineMs = 120_000;

/** Every receiver answers 503 for a minute, under load; the load goes on while they catch up. */
export const outage: Scenario = {
  name: 'outage',
  run: async ({ say, scale }) => {
    const endpoints = Array.from({ length: endpointCount }, (_, tenant) => ({ tenant, layout: 'batch' as const }));
    const site = await openSite({ tenants: endpointCount, endpoints, hasIngestor: true });
    const { receivers, load } = site;
    try {
      await site.startDelivery();
      const order = (seconds: number) =>
        ({ events: Math.ceil(perSecond * seconds), perSecond, tenants: [0, endpointCount] }) as const;
      await load.publish(order(5));
      await site.untilAcknowledged(0, endpointCount, drainDeadlineMs);
      const before = await receivers.requests();
      await receivers.behave(0, endpointCount, 'status_503');
      await load.publish(order(outageSeconds * scale));
      const tries = (await receivers.requests()).map((count, endpoint) => count - (before[endpoint] ?? 0));
      await receivers.behave(0, endpointCount, 'fast');
      const beganAtMs = performance.now();
      const waiting = site.published(0, endpointCount);
      const going = load.publish(order(10));
      while ((await receivers.counts(0, endpointCount)).acknowledged < waiting) {
        if (performance.now() - beganAtMs > drainDeadlineMs)
          throw new Error('the backlog of the outage was not drained');
        await pause(20);
      }
      const drainSeconds = (performance.now() - beganAtMs) / 1_000;
      await going;
      await site.untilAcknowledged(0, endpointCount, drainDeadlineMs);
      const triesMax = Math.max(...tries);
      say(
        `an outage of ${(outageSeconds * scale).toFixed(0)} s: at most ${triesMax} tries an endpoint; its backlog was drained ${drainSeconds.toFixed(1)} s after it, in order, none missing`,
      );
      return {
        outage_seconds: outageSeconds * scale,
        outage_tries_max: triesMax,
        outage_drain_seconds: rounded(drainSeconds),
      };
    } finally {
      await site.close();
    }
  },
};
