import { eventually, type ServiceProcess } from '@docket/testkit';
import { createDrain, type Drain } from '../drain.ts';
import { expectThat, type FaultCase, type FaultContext } from '../fault-case.ts';
import { metricOf, readinessOf, rssMiBPeakOf, startIngestor } from '../ingestor.ts';
import { startProxies } from '../phases.ts';
import { pressures, type Pressure } from '../pressures.ts';

/** What waits in memory is at most two blocks; far more than that waits in Kafka. */
const blockBytesMax = 2 * 1024 * 1024;
const env = { INGEST_BLOCK_BYTES_MAX: String(blockBytesMax), INGEST_BLOCK_ROWS_MAX: '5000' };
/** The last fetch may have gone on when the queue was already full. */
const queueBytesMax = 2 * blockBytesMax + 6 * 1024 * 1024;
const rssMiBMax = 512;
const records = 30_000;
const shownDeadlineMs = 90_000;

/** Whatever is behind the ingestor, or before it, is away, slow, or says no. */
export const backpressure: FaultCase = {
  name: 'backpressure',
  promise:
    'I2, I8: each kind of outage is shown, costs bounded memory, and ends by itself: nothing lost, doubled or quarantined',
  async run(context) {
    const broken: string[] = [];
    for (const pressure of pressures) {
      try {
        await endure(context, pressure);
      } catch (error) {
        broken.push(pressure.name);
        await pressure.heal(context.stack).catch(() => undefined);
        context.say(`BROKEN ${pressure.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    expectThat(broken.length === 0, broken.join(', '));
  },
};

async function endure(context: FaultContext, pressure: Pressure): Promise<void> {
  const { say, row, stack } = context;
  const drain = await createDrain();
  const proxies = await startProxies(drain);
  await drain.publish(5_000);
  const ingestor = await startIngestor(drain, { ...proxies.env, ...env });
  await drain.untilStored(5_000, 'the first rows');
  if (pressure.isKafkaUp) {
    await pressure.cause(stack, drain, proxies);
    await drain.publish(records);
  } else {
    await drain.publish(records);
    await pressure.cause(stack, drain, proxies);
  }
  const shown = await untilShown(ingestor, pressure);
  const queued = await metricOf(ingestor, 'docket_ingestor_queue_bytes');
  const readiness = await readinessOf(ingestor);
  expectThat(!readiness.isReady, `/readyz says that all is well: ${readiness.text}`);
  expectThat(queued <= queueBytesMax, `${queued} bytes are queued`);
  const whileIll = await whileItLasts(drain, pressure);
  await pressure.heal(stack, drain, proxies);
  const healedAtMs = performance.now();
  const before = await drain.stored();
  if (before === drain.published()) await drain.publish(1);
  await drain.untilStored(before + 1, `a row stored after ${pressure.name}`);
  const ms = performance.now() - healedAtMs;
  await drain.untilStored(drain.published(), 'the end of the drain');
  await eventually(async () => (await readinessOf(ingestor)).isReady, { what: 'readiness after it' });
  const rss = rssMiBPeakOf(ingestor);
  expectThat(rss <= rssMiBMax, `RSS peak ${rss} MiB`);
  await ingestor.stop();
  await proxies.close();
  const memory = `queue ${(queued / 2 ** 20).toFixed(1)} MiB, RSS peak ${rss} MiB`;
  const figures = `${shown}; /readyz 503${whileIll}; next row ${(ms / 1000).toFixed(1)} s after; ${memory}; ${await drain.finish()}`;
  say(`${pressure.name}: ${figures}`);
  row({ fault: pressure.name, target: pressure.target, times: 1, figures });
}

/** What /metrics says, once it does and /readyz agrees. */
async function untilShown(ingestor: ServiceProcess, { name, metric, labels, metricMin }: Pressure): Promise<string> {
  const value = await eventually(
    async () => {
      const seen = await metricOf(ingestor, metric, labels);
      const isShown = metricMin === 0 ? seen === 0 : seen >= metricMin;
      return isShown && !(await readinessOf(ingestor)).isReady ? { seen } : undefined;
    },
    { what: `the showing of ${name} on /metrics and /readyz`, deadlineMs: shownDeadlineMs, intervalMs: 250 },
  );
  return `${metric.replace('docket_ingestor_', '')}${labels === '' ? '' : `{${labels}}`} ${value.seen.toFixed(0)}`;
}

/** Of a server that is only slow, rows are expected while it is. */
async function whileItLasts(drain: Drain, { goesOnWithinMs }: Pressure): Promise<string> {
  if (goesOnWithinMs === undefined) return '';
  const ms = await drain.untilStored((await drain.stored()) + 1, 'a row stored while it lasts', goesOnWithinMs);
  return `; a row ${(ms / 1000).toFixed(0)} s later while it lasts`;
}
