import { expect } from '@jest/globals';
import { newEventId, partitionOf } from '@docket/event';
import {
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  runDocket,
  runKafkaTool,
  type ServiceProcess,
  type World,
} from '@docket/testkit';

/** Tenants of partition 0 and of partition 1, when there are two. */
export const tenantOf = (partition: number, n = 0): string => {
  const found = Array.from({ length: 100 }, (_, index) => `tenant-${index}`).filter(
    (name) => partitionOf(name, 2) === partition,
  );
  return found[n] ?? '';
};

export async function publishEvents(world: World, tenantId: string, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, n) =>
    eventRecord(world, eventInput(tenantId, { id: newEventId(), description: `event ${n}` })),
  );
  await publishRecords(world, records);
}

/** Deletes the events topic and makes it anew, empty, as an operator might. */
export async function recreateTopic(world: World): Promise<void> {
  const { name, config } = world.kafka.topics.events;
  const server = ['--bootstrap-server', brokersOf(world)];
  await runKafkaTool('TopicCommand', [...server, '--delete', '--topic', name]);
  const settings = Object.entries(config).flatMap(([key, value]) => ['--config', `${key}=${value}`]);
  await eventually(
    async () => {
      const shape = ['--partitions', String(world.partitions), '--replication-factor', '1'];
      await runKafkaTool('TopicCommand', [...server, '--create', '--topic', name, ...shape, ...settings]);
      return true;
    },
    { what: 'the new topic', deadlineMs: 60_000 },
  );
}

export async function addPartition(world: World): Promise<void> {
  const grown = ['--alter', '--topic', world.kafka.topics.events.name, '--partitions', String(world.partitions + 1)];
  await runKafkaTool('TopicCommand', ['--bootstrap-server', brokersOf(world), ...grown]);
}

const brokersOf = (world: World): string => world.kafka.settings.kafkaBrokers.join(',');

/** Deletes or changes stored rows, as no service does. @param change what follows ALTER TABLE audit_events */
export const alterRows = (world: World, change: string): Promise<void> =>
  world.clickhouse.command(`ALTER TABLE audit_events ${change}`, {}, { settings: { mutations_sync: 1 } });

export interface StoredRow {
  readonly log: string;
  readonly seq: number;
  readonly status: string;
  readonly generation: number;
  readonly offset: number;
}

export const rowsOf = (world: World, log: string): Promise<StoredRow[]> =>
  world.clickhouse.query<StoredRow>(
    `SELECT tenant_id AS log, seq, toString(status) AS status, src_generation AS generation, src_offset AS offset
     FROM audit_events WHERE tenant_id = {log:String} ORDER BY seq`,
    { log },
  );

/** The statuses of a log in seq order, once it has as many; seq must be dense. */
export async function untilStored(world: World, log: string, rows: number): Promise<string[]> {
  const stored = await eventually(
    async () => {
      const found = await rowsOf(world, log);
      return found.length >= rows ? found : undefined;
    },
    { what: `${rows} rows of ${log}`, deadlineMs: 60_000 },
  );
  expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length: rows }, (_, n) => n + 1));
  return stored.map(({ status }) => status);
}

export async function expectVerified(world: World, also: RegExp = /I2, I3, I4 hold/): Promise<void> {
  const { code, output } = await runDocket(['verify'], world.env);
  expect(`${output}\nexit ${code}`).toMatch(/I2, I3, I4 hold\nexit 0$/);
  expect(output).toMatch(also);
}

/** What a stopped partition says everywhere. */
export async function untilStopped(ingestor: ServiceProcess, partition: number): Promise<string> {
  const detail = await eventually(
    async () => {
      const response = await fetch(`${ingestor.url}/readyz`);
      const text = await response.text();
      return response.status === 503 && text.includes(`partition ${partition}: `) ? text : undefined;
    },
    { what: `the stop of partition ${partition}`, deadlineMs: 60_000 },
  );
  expect(detail).toContain(`docket accept-loss --partition ${partition}`);
  const metrics = await (await fetch(`${ingestor.url}/metrics`)).text();
  expect(metrics).toMatch(/^docket_ingestor_stopped_partitions [1-9]/m);
  expect(ingestor.logs.some((line) => line.includes('partition.stopped'))).toBe(true);
  return detail;
}

export const untilReady = (ingestor: ServiceProcess): Promise<true> =>
  eventually(async () => ((await fetch(`${ingestor.url}/readyz`)).ok ? true : undefined), {
    what: 'readiness',
    deadlineMs: 60_000,
  });
