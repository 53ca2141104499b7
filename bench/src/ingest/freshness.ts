import { createPublisher } from '@docket/kafka';
import { startService, type World } from '@docket/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { createWorkload, recordOf } from './workload.ts';

export interface Freshness {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const probeIntervalMs = 10;

/**
 * Publishes at a steady rate and asks ClickHouse, as a reader would, whether a probe event is there: from the acknowledgement of its record to the
 * answer that holds it. One probe is under way at a time.
 */
export async function measureFreshness(world: World, eventsPerSecond: number, seconds: number): Promise<Freshness> {
  const ingestor = await startService('ingestor', world.env);
  const publisher = createPublisher(world.kafka);
  await publisher.start();
  const next = createWorkload(200, 7);
  const topic = world.kafka.topics.events.name;
  const endsAtMs = performance.now() + seconds * 1000;
  const samples: number[] = [];
  const done = new AbortController();

  const load = async (): Promise<void> => {
    const beganAtMs = performance.now();
    let sent = 0;
    while (!done.signal.aborted) {
      const due = Math.floor(((performance.now() - beganAtMs) / 1000) * eventsPerSecond) - sent;
      sent += due;
      void publisher.publish(
        topic,
        Array.from({ length: due }, () => recordOf(world, next())),
      );
      await pause(10);
    }
  };
  const probe = async (): Promise<void> => {
    while (performance.now() < endsAtMs) {
      const event = next();
      const [outcome] = await publisher.publish(topic, [recordOf(world, event)]);
      if (outcome?.ok !== true) throw new Error('a probe was not acknowledged', { cause: outcome?.error });
      const ackAtMs = performance.now();
      const params = { tenant: event.tenant_id, id: event.id };
      const sql = 'SELECT count() AS n FROM audit_events WHERE tenant_id = {tenant:String} AND id = {id:UUID}';
      while (((await world.clickhouse.query<{ n: number }>(sql, params))[0]?.n ?? 0) === 0)
        await pause(probeIntervalMs);
      samples.push(performance.now() - ackAtMs);
    }
    done.abort();
  };
  await Promise.all([load(), probe()]);
  await publisher.stop();
  await ingestor.stop();
  samples.sort((a, b) => a - b);
  const at = (share: number): number =>
    samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? Number.NaN;
  return { eventsPerSecond, p50Ms: at(0.5), p99Ms: at(0.99) };
}
