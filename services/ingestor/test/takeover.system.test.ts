import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  createWorld,
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  startService,
  type World,
} from '@docket/testkit';

let world: World;
beforeAll(async () => {
  world = await createWorld();
}, 60_000);
afterAll(() => world.close(), 60_000);

/** The promise to operators, from the kill on; the group itself waits for 6 s. */
const resumesWithinMs = 10_000;

const assignmentsIn = (logs: readonly string[]): number =>
  logs.filter((line) => line.includes('"assignment.prepared"') && /"partitions":\[\d/.test(line)).length;

test('after kill -9 of one instance, the other stores what comes to any partition within 10 s', async () => {
  const one = await startService('ingestor', world.env);
  const alone = assignmentsIn(one.logs);
  const two = await startService('ingestor', world.env);
  const areShared = () => (assignmentsIn(one.logs) > alone && assignmentsIn(two.logs) > 0 ? true : undefined);
  await eventually(areShared, { what: 'the sharing of the partitions', deadlineMs: 60_000 });

  const killedAtMs = Date.now();
  await one.kill('SIGKILL');
  const tenants = Array.from({ length: 40 }, (_, n) => `tenant-${n}`);
  await publishRecords(
    world,
    tenants.map((tenant) => eventRecord(world, eventInput(tenant))),
  );
  const areStored = async () => {
    const [found] = await world.clickhouse.query<{ n: number }>('SELECT count() AS n FROM audit_events');
    return found?.n === tenants.length ? true : undefined;
  };
  await eventually(areStored, { what: 'a row of every tenant', deadlineMs: 30_000 });
  expect(Date.now() - killedAtMs).toBeLessThan(resumesWithinMs);
  await two.stop();
}, 120_000);
