import { startMeter } from '../process-meter.ts';
import { measureLatency } from './latencies.ts';
import { rounded, type Figures, type Scenario } from './scenario.ts';
import { openSite, type Endpoint } from './site.ts';

const livingFull = 1_000;
const deadFull = 9_000;
const perSecond = 500;
const seconds = 30;
const warmUpDeadlineMs = 120_000;

/**
 * Ten thousand subscriptions of as many tenants, nine thousand of them dead: a third refuses connections, a third hangs, a third answers 500. What
 * the living get is compared with an installation that has only the living.
 */
export const deadSubscriptions: Scenario = {
  name: 'dead_subscriptions',
  run: async ({ say, scale }) => {
    const living = Math.ceil(livingFull * scale);
    const dead = Math.ceil(deadFull * scale);
    const alone = await measure(living, 0);
    say(`${living} living subscriptions alone: ${described(alone)}`);
    const among = await measure(living, dead);
    const ratio = among.p99Ms / alone.p99Ms;
    say(`among ${dead} dead ones: ${described(among)}; p99 ${ratio.toFixed(2)}×`);
    return { ...named('dead_none', alone), ...named('dead', among), dead_p99_ratio: rounded(ratio) };
  },
};

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuCores: number;
  readonly rssMiBPeak: number;
}

async function measure(living: number, dead: number): Promise<Measured> {
  const endpoints = Array.from({ length: living + dead }, (_, tenant): Endpoint => {
    const isClosed = tenant >= living && tenant % 3 === 0;
    return { tenant, layout: 'batch', isClosed };
  });
  const site = await openSite({ tenants: living + dead, endpoints, hasIngestor: true });
  try {
    for (let endpoint = living; endpoint < living + dead; endpoint += 1)
      await site.receivers.behave(endpoint, endpoint + 1, endpoint % 3 === 1 ? 'hang' : 'status_500');
    await site.startDelivery();
    // What a running installation has behind it: receivers that have taken something, connections, compiled code.
    await site.load.publish({ events: living * 3, perSecond: perSecond, tenants: [0, living] });
    await site.untilAcknowledged(0, living, warmUpDeadlineMs);
    if (dead > 0) await site.load.publish({ events: dead, perSecond: 0, tenants: [living, living + dead] });
    const meter = startMeter(new Map([['delivery', site.delivery().pid]]));
    const beganAtMs = performance.now();
    const order = { events: perSecond * seconds, perSecond, tenants: [0, living] } as const;
    const { p50, p99 } = await measureLatency(site, order, [0, living]);
    const used = meter.stop().get('delivery');
    return {
      p50Ms: p50,
      p99Ms: p99,
      cpuCores: ((used?.cpuSeconds ?? 0) * 1_000) / (performance.now() - beganAtMs),
      rssMiBPeak: (used?.rssBytesPeak ?? 0) / 2 ** 20,
    };
  } finally {
    await site.close();
  }
}

function described({ p50Ms, p99Ms, cpuCores, rssMiBPeak }: Measured): string {
  return `p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms, ${cpuCores.toFixed(2)} cores, RSS ${rssMiBPeak.toFixed(0)} MiB`;
}

function named(name: string, { p50Ms, p99Ms, cpuCores, rssMiBPeak }: Measured): Figures {
  return {
    [`${name}_living_p50_ms`]: rounded(p50Ms),
    [`${name}_living_p99_ms`]: rounded(p99Ms),
    [`${name}_cpu_cores`]: rounded(cpuCores),
    [`${name}_rss_mib_peak`]: Math.round(rssMiBPeak),
  };
}
