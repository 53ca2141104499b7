import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clickhouseSettings, createClickHouse, type ClickHouse } from '@docket/clickhouse';
import { readSettings } from '@docket/runtime';
import { createWorld, startService, type ServiceProcess, type World } from '@docket/testkit';
import { expectVerified, publishEvents, tenantOf, untilReady, untilStored } from '../operator-world.ts';

const [acme, neighbour] = [tenantOf(0), tenantOf(1)];

let world: World;
/** Works without the world's database, too. */
let server: ClickHouse;
let ingestor: ServiceProcess;

beforeAll(async () => {
  world = await createWorld({ partitions: 2 });
  const settings = readSettings(clickhouseSettings, world.env);
  server = createClickHouse({ ...settings, clickhouseDatabase: 'default' });
  await publishEvents(world, acme, 5);
  await publishEvents(world, neighbour, 3);
  ingestor = await startService('ingestor', world.env);
}, 120_000);
afterAll(async () => {
  await ingestor.stop();
  await server.close();
  await world.close();
}, 60_000);

const everything = () => world.clickhouse.query('SELECT * FROM audit_events ORDER BY src_partition, src_offset');

test('I2, I3: a lost ClickHouse comes back from its backup, and what Kafka holds beyond it is stored as it was', async () => {
  const { database } = world;
  const file = `${database}-${randomUUID()}`;
  await untilStored(world, acme, 5);
  await untilStored(world, neighbour, 3);
  await server.command(`BACKUP DATABASE ${database} TO File('${file}')`);

  await publishEvents(world, acme, 4);
  await untilStored(world, acme, 9);
  const before = await everything();
  await ingestor.stop();
  await server.command(`DROP DATABASE ${database} SYNC`);

  await server.command(`RESTORE DATABASE ${database} FROM File('${file}')`);
  await untilStored(world, acme, 5);
  ingestor = await startService('ingestor', world.env);
  await untilReady(ingestor);
  await untilStored(world, acme, 9);
  expect(await everything()).toEqual(before);
  await publishEvents(world, neighbour, 1);
  await untilStored(world, neighbour, 4);
  await expectVerified(world);
}, 240_000);
