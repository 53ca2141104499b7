import { setTimeout as pause } from 'node:timers/promises';
import { startMeter } from '../process-meter.ts';
import type { Site } from './site.ts';

export interface Throughput {
  readonly eventsPerSecond: number;
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerEvent: number;
  readonly cpuMsPerRequest: number;
  readonly rssMiBPeak: number;
  /** Processors that each process of the bench used, by name. */
  readonly cores: Readonly<Record<string, number>>;
}

const warmUpMs = 5_000;
const deadlineMs = 120_000;
const pollMs = 5;

/**
 * As fast as delivery goes: the load keeps `ahead` published events unacknowledged, few enough for the tail of each partition to hold them: behind it there
 * is no ingestor. Counted are events that endpoints have acknowledged; an event to several endpoints counts as often.
 */
export async function measureThroughput(
  site: Site,
  { seconds, ahead, tenants }: { readonly seconds: number; readonly ahead: number; readonly tenants: number },
): Promise<Throughput> {
  const { receivers, load, endpoints } = site;
  const all = endpoints.length;
  const copies = all / tenants;
  const over = new AbortController();
  // Of the warm-up, too: what has been acknowledged of it counts below.
  let published = site.published(0, all) / copies;
  const publishing = (async () => {
    const chunk = Math.floor(ahead / 4);
    while (!over.signal.aborted) {
      const { acknowledged } = await receivers.counts(0, all);
      if (published - acknowledged / copies > ahead - chunk) {
        await pause(pollMs);
        continue;
      }
      await load.publish({ events: chunk, perSecond: 0, tenants: [0, tenants] });
      published += chunk;
    }
  })();
  // Its failure is met where it is awaited.
  publishing.catch(() => undefined);
  await Promise.race([pause(warmUpMs), publishing]);
  const meter = startMeter(
    new Map([
      ['delivery', site.delivery().pid],
      ['receivers', receivers.pid],
      ['producer', load.pid],
      ['bench', process.pid],
    ]),
  );
  const beganAtMs = performance.now();
  const before = await receivers.counts(0, all);
  await Promise.race([pause(seconds * 1_000), publishing]);
  const after = await receivers.counts(0, all);
  const elapsedSeconds = (performance.now() - beganAtMs) / 1_000;
  const usage = meter.stop();
  const used = usage.get('delivery');
  over.abort();
  await publishing;
  await site.untilAcknowledged(0, all, deadlineMs);
  const events = after.acknowledged - before.acknowledged;
  const requests = after.bodies - before.bodies;
  const cpuSeconds = used?.cpuSeconds ?? Number.NaN;
  return {
    eventsPerSecond: events / elapsedSeconds,
    requestsPerSecond: requests / elapsedSeconds,
    cpuMicrosPerEvent: (cpuSeconds * 1e6) / events,
    cpuMsPerRequest: (cpuSeconds * 1e3) / requests,
    rssMiBPeak: (used?.rssBytesPeak ?? 0) / 2 ** 20,
    cores: Object.fromEntries([...usage].map(([name, { cpuSeconds: own }]) => [name, own / elapsedSeconds])),
  };
}

export function describeCores(cores: Readonly<Record<string, number>>): string {
  return Object.entries(cores)
    .map(([name, used]) => `${name} ${used.toFixed(2)}`)
    .join(', ');
}
