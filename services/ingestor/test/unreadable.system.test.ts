import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { partitionOf } from '@docket/event';
import {
  createWorld,
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  residentBytesOf,
  runDocket,
  runKafkaTool,
  startService,
  type ServiceProcess,
  type World,
} from '@docket/testkit';

const mebi = 1024 * 1024;
const bombBytes = 200 * mebi;

let world: World;
beforeAll(async () => {
  world = await createWorld();
}, 60_000);
afterAll(() => world.close(), 60_000);

async function storedRows(log: string): Promise<number> {
  const sql = 'SELECT count() AS n FROM audit_events WHERE tenant_id = {log: String}';
  const [found] = await world.clickhouse.query<{ n: number }>(sql, { log });
  return found?.n ?? 0;
}

async function untilStored(log: string, rows: number): Promise<void> {
  const areStored = async () => ((await storedRows(log)) >= rows ? true : undefined);
  await eventually(areStored, { what: `${rows} rows of ${log}`, deadlineMs: 60_000 });
}

async function readiness({ url }: ServiceProcess): Promise<string> {
  const answer = await fetch(`${url}/readyz`);
  return `${answer.status} ${await answer.text()}`;
}

async function untilReady(ingestor: ServiceProcess, words: RegExp): Promise<string> {
  return eventually(
    async () => {
      const said = await readiness(ingestor);
      return words.test(said) ? said : undefined;
    },
    { what: `/readyz saying ${words.source}`, deadlineMs: 60_000 },
  );
}

/** One record that packs a thousandfold, under a key, as any producer may send it. */
async function sendBomb(key: string): Promise<void> {
  const brokers = world.env['KAFKA_BROKERS'] ?? '';
  const large = `max.request.size=${2 * bombBytes}`;
  const settings = [
    '--bootstrap-server',
    brokers,
    '--topic',
    world.kafka.topics.events.name,
    '--compression-codec',
    'gzip',
  ];
  const producer = ['--producer-property', large, '--producer-property', `buffer.memory=${2 * bombBytes}`];
  const parsing = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
  await runKafkaTool(
    'ConsoleProducer',
    [...settings, ...producer, ...parsing],
    `${key}:${'0'.repeat(bombBytes)}\n`,
    3_000,
  );
}

async function removeBefore(partition: number, offset: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'docket-'));
  const file = join(directory, 'offsets.json');
  const partitions = [{ topic: world.kafka.topics.events.name, partition, offset }];
  await writeFile(file, JSON.stringify({ partitions, version: 1 }));
  const brokers = world.env['KAFKA_BROKERS'] ?? '';
  await runKafkaTool('DeleteRecordsCommand', ['--bootstrap-server', brokers, '--offset-json-file', file]);
  await rm(directory, { recursive: true });
}

test('I7, I8: a batch that unpacks to 200 MiB stops its partition loudly and alone, in little memory, and is never skipped', async () => {
  const [blocked, other] = ['acme', 'globex'];
  const partition = partitionOf(blocked, world.partitions);
  expect(partitionOf(other, world.partitions)).not.toBe(partition);
  const eventOf = (tenant: string) => eventRecord(world, eventInput(tenant));
  await publishRecords(world, [eventOf(blocked), eventOf(blocked), eventOf(other)]);
  const ingestor = await startService('ingestor', world.env);
  await Promise.all([untilStored(blocked, 2), untilStored(other, 1)]);
  const before = residentBytesOf(ingestor, 'peak');

  await sendBomb(blocked);
  await publishRecords(world, [eventOf(blocked), eventOf(other)]);
  const said = await untilReady(ingestor, /^503 .*cannot be read/);
  expect(said).toContain(`partition ${partition}: the record batch at offset 2 cannot be read (too_large:`);
  expect(said).toContain('remove the records up to offset 2 with kafka-delete-records');
  await untilStored(other, 2);
  const metrics = await (await fetch(`${ingestor.url}/metrics`)).text();
  expect(metrics).toContain('docket_ingestor_stopped_partitions 1');
  expect(metrics).toMatch(/docket_ingestor_unreadable_fetches_total\{reason="too_large"\} [1-9]/);
  expect(residentBytesOf(ingestor, 'peak') - before).toBeLessThan(150 * mebi);
  expect(ingestor.logs.join('\n')).toContain('consumer.batch_unreadable');

  // Removing it is a loss like any other: only an operator may accept it.
  await removeBefore(partition, 3);
  const then = await untilReady(ingestor, /begins at 3/);
  expect(then).toContain('what was between was removed before it was stored');
  expect(await storedRows(blocked)).toBe(2);
  const accepted = await runDocket(['accept-loss', '--partition', String(partition), '--yes'], world.env);
  expect(accepted).toMatchObject({ code: 0 });
  await untilStored(blocked, 4);
  await untilReady(ingestor, /^200/);
  await ingestor.stop();
}, 180_000);
