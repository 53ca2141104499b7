import { createPublisher, readTopic } from '@docket/kafka';
import { startStack } from '@docket/local-stack';
import { createKeyring, createWorld, eventually, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';
import { fileURLToPath } from 'node:url';
import { createWorkload, recordOf } from '../ingest/workload.ts';
import { startMeter } from '../process-meter.ts';
import { sendLoad, type Loaded } from './load.ts';
import { requestsOf } from './requests.ts';

/** Of each measurement. */
export const seconds = Number(process.env['BENCH_SECONDS'] ?? 10);
const warmUpSeconds = 5;
export const tenants = 200;
export const partitions = 4;
const shapes = {
  batch: { events: 100, connections: 16, halfEventsPerSecond: 20_000 },
  single: { events: 1, connections: 64, halfEventsPerSecond: 2_000 },
} as const;
const kafkaCallRecords = 1_000;
const kafkaCallsAtOnce = 4;
export const stackDir = fileURLToPath(new URL('../../../.local', import.meta.url));
const plainMain = fileURLToPath(new URL('plain-gateway.js', import.meta.url));

type Figures = Readonly<Record<string, number | string | boolean>>;
type Say = (line: string) => void;

/** Events accepted a second with acks=all by the gateway, by the same server without what makes it a gateway, and by Kafka from a bare publisher. */
export async function benchGateway(say: Say): Promise<Figures> {
  const stack = await startStack({ dir: stackDir, fresh: true, quickStart: false, report: say });
  try {
    Object.assign(process.env, stack.env);
    const world = await createWorld({ partitions });
    const keyring = createKeyring(world);
    const { authorization } = await keyring.make({ scopes: ['events:write'], tenants: '*' });
    await keyring.close();
    say(`${partitions} partitions, ${tenants} tenants, ${seconds} s each; events of some 600 bytes of Avro`);
    const gateway = await measureService(await startService('gateway', world.env), authorization, say);
    const stored = await countRecords(world);
    if (stored !== gateway.published)
      throw new Error(`${gateway.published} events were accepted, ${stored} are in Kafka`);
    say(`every accepted event is in Kafka: ${stored}`);
    const command = [process.execPath, plainMain] as const;
    const plain = await measureService(await startService('plain', world.env, { command }), authorization, say);
    const kafka = await measureKafka(world);
    say(
      `bare publisher, ${kafkaCallRecords} records a call, ${kafkaCallsAtOnce} at once: ${kafka.toFixed(0)} events/s`,
    );
    await world.close();
    return { ...gateway.figures, ...plain.figures, kafka_events_per_second: Math.round(kafka), all_stored: true };
  } finally {
    await stack.stop();
  }
}

async function measureService(service: ServiceProcess, authorization: string, say: Say) {
  const { name, url, pid } = service;
  const figures: Record<string, number> = {};
  const throughout = startMeter(new Map([[name, pid]]));
  let published = 0;
  try {
    published += await untilAccepted(url, authorization);
    for (const [shape, load] of Object.entries(shapes)) {
      const measured = await measureShape(service, {
        ...load,
        requests: requestsOf(load.events, tenants, authorization),
      });
      published += measured.published;
      const { figures: found } = measured;
      say(
        `${name}, ${shape}, ${load.connections} connections: ${found.events_per_second} events/s, p50 ${found.p50_ms} p99 ${found.p99_ms} ms, ${found.cpu_seconds_per_million} CPU-s per 1 M; at ${load.halfEventsPerSecond}/s p50 ${found.half_p50_ms} p99 ${found.half_p99_ms} ms`,
      );
      for (const [figure, value] of Object.entries(found)) figures[`${name}_${shape}_${figure}`] = value;
    }
    const rssMiB = Math.round((throughout.stop().get(name)?.rssBytesPeak ?? 0) / 1024 / 1024);
    say(`${name}: RSS at most ${rssMiB} MiB`);
    return { figures: { ...figures, [`${name}_rss_mib_peak`]: rssMiB }, published };
  } finally {
    await service.stop();
  }
}

/** The gateway may know its key some moments after it is ready. */
export function untilAccepted(url: string, authorization: string): Promise<number> {
  const first = { url, requests: requestsOf(1, tenants, authorization), connections: 1, seconds: 0.1 };
  return eventually(async () => (await sendLoad(first)).accepted, { what: 'a first 202' });
}

interface Shape {
  readonly events: number;
  readonly connections: number;
  readonly halfEventsPerSecond: number;
  readonly requests: readonly Buffer[];
}

/** As fast as it goes, then at a steady rate. */
async function measureShape({ name, url, pid }: ServiceProcess, shape: Shape) {
  const { events, connections, requests, halfEventsPerSecond } = shape;
  const load = { url, requests, connections };
  const warm = await sendLoad({ ...load, seconds: warmUpSeconds });
  const meter = startMeter(new Map([[name, pid]]));
  const full = await sendLoad({ ...load, seconds });
  const cpuSeconds = meter.stop().get(name)?.cpuSeconds ?? 0;
  const half = await sendLoad({ ...load, seconds, requestsPerSecond: halfEventsPerSecond / events });
  requireAccepted(name, [warm, full, half]);
  return {
    published: (warm.accepted + full.accepted + half.accepted) * events,
    figures: {
      events_per_second: Math.round((full.accepted * events) / full.seconds),
      p50_ms: rounded(full.p50Ms),
      p99_ms: rounded(full.p99Ms),
      half_events_per_second: Math.round((half.accepted * events) / half.seconds),
      half_p50_ms: rounded(half.p50Ms),
      half_p99_ms: rounded(half.p99Ms),
      cpu_seconds_per_million: rounded((cpuSeconds / (full.accepted * events)) * 1e6),
    },
  };
}

function requireAccepted(name: string, loads: readonly Loaded[]): void {
  const refused = loads.reduce((sum, load) => sum + load.refused, 0);
  if (refused > 0) throw new Error(`${name} refused ${refused} requests`);
}

export async function countRecords(world: World): Promise<number> {
  let count = 0;
  await readTopic(world.kafka, {
    topic: world.kafka.topics.events.name,
    onRecords: (records) => {
      count += records.length;
    },
  });
  return count;
}

/** The ceiling: records that are encoded already. */
async function measureKafka(world: World): Promise<number> {
  const publisher = createPublisher(world.kafka, { deadlineMs: 20_000 });
  await publisher.start();
  const next = createWorkload(tenants);
  const records = Array.from({ length: kafkaCallRecords }, () => recordOf(world, next()));
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  let acknowledged = 0;
  const call = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const outcomes = await publisher.publish(world.kafka.topics.events.name, records);
      acknowledged += outcomes.filter(({ ok }) => ok).length;
    }
  };
  await Promise.all(Array.from({ length: kafkaCallsAtOnce }, call));
  const perSecond = acknowledged / ((performance.now() - startedMs) / 1_000);
  await publisher.stop();
  return perSecond;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
