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

/** A fifth of two hundred endpoints misbehaves in one way after another, while all get the same load; in the end every endpoint has every event. */
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
      const none = await measure('none');
      say(
        `${endpointCount} healthy endpoints at ${perSecond}/s: p50 ${none.p50.toFixed(1)}, p99 ${none.p99.toFixed(1)} ms`,
      );
      for (const behaviour of behaviours) {
        await site.receivers.behave(0, badCount, behaviour);
        const times = await measure(behaviour);
        const ratio = times.p99 / none.p99;
        figures[`bad_${behaviour}_healthy_p99_ratio`] = rounded(ratio);
        say(
          `${badCount} of them ${behaviour}: the others p50 ${times.p50.toFixed(1)}, p99 ${times.p99.toFixed(1)} ms (${ratio.toFixed(2)}×), none missing`,
        );
      }
      await site.receivers.behave(0, badCount, 'fast');
      const beganAtMs = performance.now();
      await site.untilAcknowledged(0, endpointCount, recoveryDeadlineMs);
      const recoveredSeconds = (performance.now() - beganAtMs) / 1_000;
      say(`all ${endpointCount} have every event, in order, ${recoveredSeconds.toFixed(1)} s after the last recovery`);
      return { ...figures, bad_recovered_seconds: rounded(recoveredSeconds) };
    } finally {
      await site.close();
    }
  },
};
