import type { Times } from '../query/measure.ts';
import { measureLatency } from './latencies.ts';
import type { Behaviour } from './receiver-protocol.ts';
import { rounded, type Figures, type Scenario } from './scenario.ts';
import { openSite } from './site.ts';

const endpointCount = 200;
/** The first ones: a fifth. */
const badCount = 40;
const perSecond = 600;
const seconds = 30;
const recoveryDeadlineMs = 120_000;
const behaviours = ['hang', 'drip', 'status_500', 'reset', 'flip'] as const satisfies readonly Behaviour[];

/**
 * A fifth of two hundred endpoints misbehaves in one way after another, while all get the same load; in the end every endpoint has every event. What the
 * others get is compared with what all get when all are healthy, before or after, whichever is the better.
 */
export const badEndpoints: Scenario = {
  name: 'bad_endpoints',
  run: async ({ say, scale }) => {
    const endpoints = Array.from({ length: endpointCount }, (_, tenant) => ({ tenant, layout: 'single' as const }));
    const site = await openSite({ tenants: endpointCount, endpoints, hasIngestor: true });
    try {
      await site.startDelivery();
      const order = {
        events: Math.ceil(perSecond * seconds * scale),
        perSecond,
        tenants: [0, endpointCount],
      } as const;
      const figures: Figures = {};
      const measure = async (name: string): Promise<Times> => {
        const times = await measureLatency(site, order, [badCount, endpointCount]);
        Object.assign(figures, { [`bad_${name}_healthy_p50_ms`]: rounded(times.p50) });
        Object.assign(figures, { [`bad_${name}_healthy_p99_ms`]: rounded(times.p99) });
        return times;
      };
      // What a running installation has behind it: connections, compiled code.
      await measure('none');
      const before = await measure('none');
      const among = new Map<Behaviour, Times>();
      for (const behaviour of behaviours) {
        await site.receivers.behave(0, badCount, behaviour);
        among.set(behaviour, await measure(behaviour));
      }
      await site.receivers.behave(0, badCount, 'fast');
      const beganAtMs = performance.now();
      await site.untilAcknowledged(0, endpointCount, recoveryDeadlineMs);
      const recoveredSeconds = (performance.now() - beganAtMs) / 1_000;
      say(`all ${endpointCount} have every event, in order, ${recoveredSeconds.toFixed(1)} s after the last recovery`);
      const after = await measure('none_after');
      for (const { p50, p99 } of [before, after])
        say(`${endpointCount} healthy endpoints at ${perSecond}/s: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms`);
      for (const [behaviour, { p50, p99 }] of among) {
        const ratio = p99 / Math.min(before.p99, after.p99);
        figures[`bad_${behaviour}_healthy_p99_ratio`] = rounded(ratio);
        say(
          `${badCount} of them ${behaviour}: the others p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms (${ratio.toFixed(2)}×), none missing`,
        );
      }
      return { ...figures, bad_recovered_seconds: rounded(recoveredSeconds) };
    } finally {
      await site.close();
    }
  },
};
