import { createPublisher } from '@docket/kafka';
import { startService, type World } from '@docket/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { startLoad } from './steady-load.ts';
import { createWorkload, recordOf } from './workload.ts';

export interface Freshness {
  /** What was asked for, and what the producer brought about. */
  readonly eventsPerSecond: number;
  readonly acknowledgedPerSecond: number;
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const tenants = 200;
const probeIntervalMs = 10;
/** Connections, compiled code: what a service that has run for a while has behind it. */
const warmUpSeconds = 3;

/**
 * Publishes at a steady rate and asks ClickHouse, as a reader would, whether a probe event is there: from the acknowledgement of its record to the
 * answer that holds it. One probe is under way at a time.
 */
export async function measureFreshness(world: World, eventsPerSecond: number, seconds: number): Promise<Freshness> {
  const ingestor = await startService('ingestor', world.env);
  const publisher = createPublisher(world.kafka, { deadlineMs: 30_000 });
  await publisher.start();
  const load = await startLoad(world, { tenants, eventsPerSecond, seconds: warmUpSeconds + seconds });
  const next = createWorkload(tenants, 11);
  const topic = world.kafka.topics.events.name;
  await pause(warmUpSeconds * 1000);
  const endsAtMs = performance.now() + seconds * 1000;
  const samples: number[] = [];
  while (performance.now() < endsAtMs) {
    const event = next();
    const [outcome] = await publisher.publish(topic, [recordOf(world, event)]);
    if (outcome?.ok !== true) throw new Error('a probe was not acknowledged', { cause: outcome?.error });
    const ackAtMs = performance.now();
    const params = { tenant: event.tenant_id, id: event.id };
    const sql = 'SELECT count() AS n FROM audit_events WHERE tenant_id = {tenant:String} AND id = {id:UUID}';
    while (((await world.clickhouse.query<{ n: number }>(sql, params))[0]?.n ?? 0) === 0) await pause(probeIntervalMs);
    samples.push(performance.now() - ackAtMs);
  }
  const { acknowledgedPerSecond, refused } = await load.ended;
  if (refused > 0) throw new Error(`Kafka did not take ${refused} of the load's records`);
  await publisher.stop();
  await ingestor.stop();
  samples.sort((a, b) => a - b);
  const at = (share: number): number =>
    samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? Number.NaN;
  return {
    eventsPerSecond,
    acknowledgedPerSecond,
    samples: samples.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}
