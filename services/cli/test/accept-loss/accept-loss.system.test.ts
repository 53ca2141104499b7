import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createWorld,
  deleteRecords,
  eventually,
  runDocket,
  startService,
  type ServiceProcess,
  type World,
} from '@docket/testkit';
import {
  addPartition,
  alterRows,
  expectVerified,
  publishEvents,
  recreateTopic,
  rowsOf,
  tenantOf,
  untilReady,
  untilStopped,
  untilStored,
} from '../operator-world.ts';

const [acme, globex] = [tenantOf(0), tenantOf(1)];
const accepted = (rows: number): string[] => Array.from({ length: rows }, () => 'accepted');

interface Place {
  world: World;
  ingestor: ServiceProcess;
}

/** A world in which both partitions have five rows. */
async function createPlace(): Promise<Place> {
  const world = await createWorld({ partitions: 2 });
  await publishEvents(world, acme, 5);
  await publishEvents(world, globex, 5);
  const ingestor = await startService('ingestor', world.env);
  await untilStored(world, acme, 5);
  await untilStored(world, globex, 5);
  return { world, ingestor };
}

async function closePlace({ world, ingestor }: Place): Promise<void> {
  await ingestor.stop();
  await world.close();
}

async function findingsOf(world: World): Promise<string> {
  const { code, output } = await runDocket(['verify'], world.env);
  expect(code).toBe(1);
  return output;
}

describe('Kafka has removed records before they were stored', () => {
  let place: Place;
  beforeAll(async () => {
    place = await createPlace();
    await place.ingestor.stop();
    await publishEvents(place.world, acme, 7);
    await deleteRecords(place.world, 0, 9);
    place.ingestor = await startService('ingestor', place.world.env, { until: 'listening' });
  }, 120_000);
  afterAll(() => closePlace(place), 60_000);

  test('I4: the partition stops loudly and nothing jumps, the other one flows', async () => {
    const { world, ingestor } = place;
    expect(await untilStopped(ingestor, 0)).toContain('holds what is below offset 5, but Kafka begins at 9');
    await publishEvents(world, globex, 2);
    await untilStored(world, globex, 7);
    expect(await rowsOf(world, acme)).toHaveLength(5);
    expect(await findingsOf(world)).toMatch(/FINDING unverifiable partition 0: .* Kafka begins at 9/);
  }, 120_000);

  test('accept-loss says what is lost, writes one lost row a log, and everything goes on by itself behind it', async () => {
    const { world, ingestor } = place;
    const dry = await runDocket(['accept-loss', '--partition', '0'], world.env);
    expect([dry.code, dry.output]).toEqual([1, expect.stringMatching(/offsets 5 to 8 .*\nDRY RUN/s)]);
    expect(await rowsOf(world, acme)).toHaveLength(5);

    const done = await runDocket(['accept-loss', '--yes', '--json'], world.env);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.output)).toEqual({
      applied: true,
      newGeneration: null,
      isDone: true,
      losses: [{ kind: 'range', partition: 0, fromOffset: 5, toOffset: 8, logs: 1 }],
    });
    expect(await untilStored(world, acme, 9)).toEqual([...accepted(5), 'lost', ...accepted(3)]);
    expect((await rowsOf(world, '!p0')).map(({ status }) => status)).toEqual(['lost']);
    await untilReady(ingestor);
    await expectVerified(world, /2 rows say lost/);
    const again = await runDocket(['accept-loss', '--yes'], world.env);
    expect([again.code, again.output]).toEqual([0, 'OK nothing is lost']);
  }, 120_000);
});

describe.each([
  ['ends below the position', 2, /Kafka ends at 2/],
  ['has other records, as many', 8, /is another one/],
])('the topic was made anew and %s', (_name, newRecords, detail) => {
  let place: Place;
  beforeAll(async () => {
    place = await createPlace();
    await place.ingestor.stop();
    await recreateTopic(place.world);
    await publishEvents(place.world, acme, newRecords);
    await publishEvents(place.world, globex, newRecords);
    place.ingestor = await startService('ingestor', place.world.env, { until: 'listening' });
  }, 180_000);
  afterAll(() => closePlace(place), 60_000);

  test('I4: both partitions stop loudly, and not a row is written', async () => {
    const { world, ingestor } = place;
    await untilStopped(ingestor, 0);
    expect(await untilStopped(ingestor, 1)).toMatch(detail);
    expect([await rowsOf(world, acme), await rowsOf(world, globex)].map(({ length }) => length)).toEqual([5, 5]);
    expect(await findingsOf(world)).toMatch(/^FINDING /m);
    const repaired = await runDocket(['repair', '--yes'], world.env);
    expect(repaired.code).not.toBe(0);
    expect(repaired.output).toMatch(/Kafka holds another topic: docket accept-loss/);
  }, 120_000);

  test('accept-loss opens the next generation: seq goes on in it, without a restart, and verify holds', async () => {
    const { world, ingestor } = place;
    const dry = await runDocket(['accept-loss', '--partition', '1'], world.env);
    expect([dry.code, dry.output]).toEqual([1, expect.stringMatching(/generation 2 has to be opened.*\nDRY RUN/s)]);
    const done = await runDocket(['accept-loss', '--yes'], world.env);
    expect([done.code, done.output]).toEqual([0, expect.stringMatching(/generation 2 is open/)]);
    const expected = [...accepted(5), 'lost', ...accepted(newRecords)];
    expect(await untilStored(world, acme, expected.length)).toEqual(expected);
    expect(await untilStored(world, globex, expected.length)).toEqual(expected);
    expect((await rowsOf(world, acme)).map(({ generation }) => generation)).toEqual([
      ...Array.from({ length: 6 }, () => 1),
      ...Array.from({ length: newRecords }, () => 2),
    ]);
    await untilReady(ingestor);
    await expectVerified(world, /4 rows say lost/);

    // A new owner finds its place in the new generation.
    await ingestor.kill('SIGKILL');
    place.ingestor = await startService('ingestor', world.env);
    await publishEvents(world, acme, 1);
    await untilStored(world, acme, expected.length + 1);
    await expectVerified(world);
    expect((await runDocket(['accept-loss'], world.env)).output).toBe('OK nothing is lost');
  }, 180_000);
});

describe('the topic was made anew, of one partition more was removed than was stored, and of the other one a row is missing', () => {
  let place: Place;
  beforeAll(async () => {
    place = await createPlace();
    await place.ingestor.stop();
    await alterRows(place.world, `DELETE WHERE tenant_id = '${acme}' AND seq = 3`);
    await recreateTopic(place.world);
    await publishEvents(place.world, acme, 2);
    await publishEvents(place.world, globex, 8);
    await deleteRecords(place.world, 1, 6);
    place.ingestor = await startService('ingestor', place.world.env, { until: 'listening' });
  }, 180_000);
  afterAll(() => closePlace(place), 60_000);

  test('one accept-loss accepts all of it, and all goes on', async () => {
    const { world, ingestor } = place;
    const done = await runDocket(['accept-loss', '--yes', '--json'], world.env);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.output)).toMatchObject({
      isDone: true,
      newGeneration: 2,
      losses: [
        { kind: 'topic', partition: 0, reason: 'beyond_end', fromOffset: 5 },
        { kind: 'rows', partition: 0, rows: 1 },
        { kind: 'range', partition: 1, fromOffset: 5, toOffset: 5 },
      ],
    });
    const expected = [...accepted(5), 'lost', ...accepted(2)];
    expect(await untilStored(world, globex, expected.length)).toEqual(expected);
    expect(await untilStored(world, acme, expected.length)).toEqual(expected.with(2, 'lost'));
    await untilReady(ingestor);
    await expectVerified(world, /5 rows say lost/);
    expect((await runDocket(['accept-loss'], world.env)).output).toBe('OK nothing is lost');
  }, 180_000);
});

describe('the partition count has changed', () => {
  let place: Place;
  beforeAll(async () => {
    place = await createPlace();
    await place.ingestor.stop();
    await addPartition(place.world);
    place.ingestor = await startService('ingestor', place.world.env, { until: 'listening' });
  }, 120_000);
  afterAll(() => closePlace(place), 60_000);

  test('no ingestor begins, and it says what to do', async () => {
    const text = await eventually(
      async () => {
        const body = await (await fetch(`${place.ingestor.url}/readyz`)).text();
        return body.includes('has 3 partitions, 2 are recorded') ? body : undefined;
      },
      { what: 'the refusal', deadlineMs: 30_000 },
    );
    expect(text).toMatch(/a living topic never changes its count; restore the topic/);
    await publishEvents(place.world, acme, 1);
    expect(await rowsOf(place.world, acme)).toHaveLength(5);
    expect((await runDocket(['accept-loss', '--yes'], place.world.env)).output).toMatch(/3 partitions, 2 are recorded/);
  }, 60_000);
});
