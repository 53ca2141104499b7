import { fetchCommittedOffsets } from '@docket/kafka';
import { eventually, type ServiceProcess } from '@docket/testkit';
import { clickhouseStepOf, registryStepOf, type ClickHouseStep } from './clickhouse-steps.ts';
import type { Drain } from './drain.ts';
import { expectThat } from './fault-case.ts';
import { startHttpProxy, untilHeld, type HeldAt, type HttpProxy } from './http-proxy.ts';
import { metricOf, startIngestor } from './ingestor.ts';

export interface Proxies {
  readonly clickhouse: HttpProxy;
  readonly registry: HttpProxy;
  /** What makes an ingestor speak through them. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function startProxies(drain: Drain): Promise<Proxies> {
  const { env } = drain.world;
  const clickhouse = await startHttpProxy(env['CLICKHOUSE_URL'] ?? '', clickhouseStepOf);
  const registry = await startHttpProxy(env['SCHEMA_REGISTRY_URL'] ?? '', registryStepOf);
  return {
    clickhouse,
    registry,
    env: { CLICKHOUSE_URL: clickhouse.url, SCHEMA_REGISTRY_URL: registry.url },
    async close() {
      await Promise.all([clickhouse.close(), registry.close()]);
    },
  };
}

export interface Caught {
  readonly ingestor: ServiceProcess;
  /** Once it is dead. */
  readonly afterDeath: () => Promise<string>;
}

/** A place in the ingestor's work, and how to bring one exactly there. */
export interface Phase {
  readonly name: string;
  /** Starts an ingestor and resolves when it is in this phase. */
  reach(drain: Drain, proxies: Proxies): Promise<Caught>;
}

const caughtDeadlineMs = 60_000;
export const smallBlocks = { INGEST_BLOCK_ROWS_MAX: '500' };
/** Rows wait for their insert until the test has seen them wait, and are due when a process that was frozen for a session wakes. */
export const slowBlocks = { INGEST_BLOCK_ROWS_MAX: '500000', INGEST_BLOCK_AGE_MS_MAX: '3000' };

function atClickHouse(name: string, step: ClickHouseStep, at: HeldAt): Phase {
  return {
    name,
    async reach(drain, { clickhouse, env }) {
      const held = clickhouse.hold(step, at);
      const ingestor = await startIngestor(drain, { ...env, ...smallBlocks });
      await untilHeld(held, `the ingestor's arrival at "${name}"`);
      return {
        ingestor,
        async afterDeath() {
          // A request that had arrived whole goes on to the server: the writer is dead, its write is not.
          held.release();
          if (at === 'request') await held.answered;
          return '';
        },
      };
    },
  };
}

/** Resolves with the bytes of rows that wait in the ingestor for their insert, once there are so many. */
export function untilQueued(ingestor: ServiceProcess, bytesMin: number): Promise<number> {
  return eventually(
    async () => {
      const bytes = await metricOf(ingestor, 'docket_ingestor_queue_bytes');
      return bytes >= bytesMin ? bytes : undefined;
    },
    { what: 'the waiting of rows', deadlineMs: caughtDeadlineMs, intervalMs: 10 },
  );
}

const decoding: Phase = {
  name: 'decode: the schema is asked for',
  async reach(drain, { registry, env }) {
    const held = registry.hold('versions', 'answer');
    const ingestor = await startIngestor(drain, { ...env, ...smallBlocks });
    await untilHeld(held, 'the question for the schema');
    return {
      ingestor,
      async afterDeath() {
        held.release();
        return '';
      },
    };
  },
};

const queued: Phase = {
  name: 'decoded rows wait for their insert',
  async reach(drain, { clickhouse, env }) {
    const ingestor = await startIngestor(drain, { ...env, ...slowBlocks });
    const bytes = await untilQueued(ingestor, 64 * 1024);
    expectThat(clickhouse.underWay('insert') === 0, 'an insert was under way already');
    return { ingestor, afterDeath: async () => `${Math.round(bytes / 1024)} KiB waited` };
  },
};

const uncommitted: Phase = {
  name: 'stored, Kafka offset not committed',
  async reach(drain, { env }) {
    const ingestor = await startIngestor(drain, { ...env, ...smallBlocks });
    await eventually(() => ingestor.logs.some((line) => line.includes('"block.inserted"')), {
      what: 'the first insert',
      deadlineMs: caughtDeadlineMs,
      intervalMs: 1,
    });
    return {
      ingestor,
      async afterDeath() {
        const { world } = drain;
        const group = `${world.prefix}ingestor`;
        const committed = await fetchCommittedOffsets(world.kafka, group, world.kafka.topics.events.name);
        const stored = await world.clickhouse.query<{ partition: number; next: number }>(
          'SELECT src_partition AS partition, max(src_offset) + 1 AS next FROM audit_events GROUP BY partition',
        );
        const behind = stored.reduce((sum, { partition, next }) => sum + next - (committed.get(partition) ?? 0), 0);
        expectThat(behind > 0, 'everything that was stored had been committed: not killed between the two');
        return `${behind} stored records were not committed`;
      },
    };
  },
};

/** In the order of the ingestor's work. */
export const phases: readonly Phase[] = [
  atClickHouse('fence: claim not yet at ClickHouse', 'fence', 'request'),
  atClickHouse('fence: claim written, not answered', 'fence', 'answer'),
  atClickHouse('clear: running inserts are looked for', 'clear', 'answer'),
  atClickHouse('read of heads', 'heads', 'answer'),
  atClickHouse('read of the duplicate window', 'window', 'answer'),
  decoding,
  queued,
  atClickHouse('insert half sent', 'insert', 'half body'),
  atClickHouse('insert sent, lands after the death', 'insert', 'request'),
  atClickHouse('insert written, not answered', 'insert', 'answer'),
  uncommitted,
];
