import { median, type Times } from '../query/measure.ts';
import { measureLatency } from './latencies.ts';
import type { Behaviour } from './receiver-protocol.ts';
import { rounded, type Figures, type Scenario, type ScenarioContext } from './scenario.ts';
import { openSite } from './site.ts';

const endpointCount = 200;
/** The first ones: a fifth. */
const badCount = 40;
const perSecond = 600;
const seconds = 30;
/** Of all healthy: in the first tens of seconds of a process everything is slower, and the first behaviours would have to answer for it. */
const warmUpSeconds = 45;
const recoveryDeadlineMs = 120_000;
const behaviours = ['hang', 'drip', 'status_500', 'reset', 'flip'] as const satisfies readonly Behaviour[];

/**
 * A fifth of two hundred endpoints misbehaves in one way after another, while all get the same load; behind each, every endpoint has every event. What the
 * others get is compared with what all get when all are healthy: measured behind each behaviour, of which the median counts, for one stall of the machine is a whole
 * p99.
 */
export const badEndpoints: Scenario = {
  name: 'bad_endpoints',
  run: async ({ say, scale }) => {
    const endpoints = Array.from({ length: endpointCount }, (_, tenant) => ({ tenant, layout: 'single' as const }));
    const site = await openSite({ tenants: endpointCount, endpoints, hasIngestor: true });
    try {
      await site.startDelivery();
      const measureFor = (forSeconds: number): Promise<Times> => {
        const events = Math.ceil(perSecond * forSeconds);
        return measureLatency(site, { events, perSecond, tenants: [0, endpointCount] }, [badCount, endpointCount]);
      };
      const measure = (): Promise<Times> => measureFor(seconds * scale);
      await measureFor(warmUpSeconds);
      const healthy: Times[] = [];
      const among = new Map<Behaviour, Times & { readonly recoveredSeconds: number }>();
      for (const behaviour of behaviours) {
        await site.receivers.behave(0, badCount, behaviour);
        const times = await measure();
        await site.receivers.behave(0, badCount, 'fast');
        const beganAtMs = performance.now();
        await site.untilAcknowledged(0, endpointCount, recoveryDeadlineMs);
        among.set(behaviour, { ...times, recoveredSeconds: (performance.now() - beganAtMs) / 1_000 });
        healthy.push(await measure());
      }
      return described(say, healthy, among);
    } finally {
      await site.close();
    }
  },
};

function described(
  say: ScenarioContext['say'],
  healthy: readonly Times[],
  among: ReadonlyMap<Behaviour, Times & { readonly recoveredSeconds: number }>,
): Figures {
  const p99s = healthy.map(({ p99 }) => p99);
  const usual = { p50: median(healthy.map(({ p50 }) => p50)), p99: median(p99s) };
  say(
    `${endpointCount} healthy endpoints at ${perSecond}/s, median of ${healthy.length}: p50 ${usual.p50.toFixed(1)}, p99 ${usual.p99.toFixed(1)} ms (${Math.min(...p99s).toFixed(1)} to ${Math.max(...p99s).toFixed(1)})`,
  );
  const figures: Figures = { bad_none_healthy_p50_ms: rounded(usual.p50), bad_none_healthy_p99_ms: rounded(usual.p99) };
  for (const [behaviour, { p50, p99, recoveredSeconds }] of among) {
    const ratio = p99 / usual.p99;
    figures[`bad_${behaviour}_healthy_p50_ms`] = rounded(p50);
    figures[`bad_${behaviour}_healthy_p99_ms`] = rounded(p99);
    figures[`bad_${behaviour}_healthy_p99_ratio`] = rounded(ratio);
    figures[`bad_${behaviour}_recovered_seconds`] = rounded(recoveredSeconds);
    say(
      `${badCount} of them ${behaviour}: the others p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms (${ratio.toFixed(2)}×), none missing; all have everything, in order, ${recoveredSeconds.toFixed(1)} s after it`,
    );
  }
  return figures;
}
