import { encodeEvent, frameAvro } from '@docket/event';
import { kafkaProgram } from '@docket/local-stack';
import type { World } from '@docket/testkit';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createWorkload } from '../ingest/workload.ts';

const source = fileURLToPath(new URL('../../java/DeliveryLoad.java', import.meta.url));
const templates = 2_000;
const timeBytes = 16;

export interface LoadOrder {
  readonly events: number;
  /** 0: as fast as Kafka takes them. */
  readonly perSecond: number;
  /** These tenants get them in turn: from the first up to, but not including, the second. */
  readonly tenants: readonly [number, number];
}

/** Publishes events of numbered tenants; the n-th of a tenant has seq n. See DeliveryLoad.java. */
export interface Load {
  readonly pid: number;
  /** Resolves when Kafka has acknowledged all; rejects when it refused one. One order at a time. */
  publish(order: LoadOrder): Promise<void>;
  /** Events of a tenant so far, ordered ones included. */
  published(tenant: number): number;
  /** When Kafka acknowledged each event: tenant → seq → ms since the epoch. */
  acknowledgedAtMs(): Promise<ReadonlyMap<number, readonly number[]>>;
  stop(): Promise<void>;
}

export const tenantName = (tenant: number): string => `t-${String(tenant).padStart(5, '0')}`;

/** @param directory for its files; whoever made it removes it. */
export async function startLoad(world: World, tenants: number, directory: string): Promise<Load> {
  const [recordsFile, timesFile] = [join(directory, 'records'), join(directory, 'acknowledged')];
  const next = createWorkload(1, 7);
  const lines = Array.from({ length: templates }, () => {
    const event = { ...next(), tenant_id: tenantName(0) };
    return frameAvro(world.eventSchemaId, encodeEvent(event)).toString('base64');
  });
  await writeFile(recordsFile, lines.join('\n'));
  const brokers = world.env['KAFKA_BROKERS'] ?? '';
  const { command, args } = kafkaProgram(source, [
    brokers,
    world.kafka.topics.events.name,
    recordsFile,
    timesFile,
    String(tenants),
  ]);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const word = async (): Promise<string> => {
    const { value, done } = await said.next();
    if (done === true) throw new Error('the load has ended');
    return value;
  };
  if ((await word()) !== 'ready') throw new Error('the load did not begin');
  const published = Array.from({ length: tenants }, () => 0);
  return {
    pid: child.pid ?? 0,
    publish: async ({ events, perSecond, tenants: [from, to] }) => {
      for (let tenant = from; tenant < to; tenant += 1) {
        const share = Math.floor(events / (to - from)) + (tenant - from < events % (to - from) ? 1 : 0);
        published[tenant] = (published[tenant] ?? 0) + share;
      }
      child.stdin.write(`${events} ${perSecond} ${from} ${to}\n`);
      const [, refused = 0] = (await word()).split(' ').map(Number);
      if (refused > 0) throw new Error(`Kafka refused ${refused} events`);
    },
    published: (tenant) => published[tenant] ?? 0,
    acknowledgedAtMs: async () => {
      const bytes = await readFile(timesFile);
      const times = new Map<number, number[]>();
      for (let at = 0; at < bytes.length; at += timeBytes) {
        const tenant = bytes.readInt32BE(at);
        const ofTenant = times.get(tenant) ?? [];
        if (ofTenant.length === 0) times.set(tenant, ofTenant);
        ofTenant[bytes.readInt32BE(at + 4)] = bytes.readDoubleBE(at + 8);
      }
      return times;
    },
    stop: async () => {
      child.stdin.end();
      await closed;
    },
  };
}
