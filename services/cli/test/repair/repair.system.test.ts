import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newEventId } from '@docket/event';
import {
  createWorld,
  deleteRecords,
  eventInput,
  eventRecord,
  publishRecords,
  runDocket,
  startService,
  type ServiceProcess,
  type World,
} from '@docket/testkit';
import {
  alterRows,
  expectVerified,
  publishEvents,
  rowsOf,
  tenantOf,
  untilReady,
  untilStored,
} from '../operator-world.ts';

const [acme, other, neighbour] = [tenantOf(0), tenantOf(0, 1), tenantOf(1)];

describe('docket repair', () => {
  let world: World;
  let ingestor: ServiceProcess;
  let before: unknown;

  beforeAll(async () => {
    world = await createWorld({ partitions: 2 });
    const twice = eventRecord(world, eventInput(acme, { id: newEventId() }));
    await publishEvents(world, acme, 4);
    await publishRecords(world, [
      twice,
      { key: acme, value: Buffer.from('garbage') },
      twice,
      { key: null, partition: 0, value: eventRecord(world, eventInput(neighbour)).value },
    ]);
    await publishEvents(world, acme, 3);
    await publishEvents(world, other, 5);
    ingestor = await startService('ingestor', world.env);
    await untilStored(world, acme, 10);
    await untilStored(world, other, 5);
    await untilStored(world, neighbour, 1);
    await untilStored(world, '!p0', 1);
    before = await everything();
  }, 120_000);
  afterAll(async () => {
    await ingestor.stop();
    await world.close();
  }, 60_000);

  const everything = () => world.clickhouse.query('SELECT * FROM audit_events ORDER BY src_partition, src_offset');

  test('finds nothing to do in a whole log', async () => {
    const { code, output } = await runDocket(['repair'], world.env);
    expect([code, output]).toEqual([0, 'OK nothing is missing']);
  }, 60_000);

  test('I2, I3: puts back exactly the rows that are missing, with the seq and status that they had, beside a living ingestor', async () => {
    await alterRows(world, `DELETE WHERE (tenant_id = '${acme}' AND seq IN (2, 5, 6, 7)) OR tenant_id = '!p0'`);
    const dry = await runDocket(['repair'], world.env);
    expect(dry.code).toBe(1);
    expect(dry.output).toMatch(/DRY RUN: 5 rows can be put back with --yes; nothing was changed$/);
    expect(await rowsOf(world, acme)).toHaveLength(6);

    const done = await runDocket(['repair', '--yes', '--json'], world.env);
    expect(done.code).toBe(0);
    const report: unknown = JSON.parse(done.output);
    expect(report).toMatchObject({
      applied: true,
      isWhole: true,
      partitions: [{ partition: 0, inserted: 5 }, { inserted: 0 }],
    });
    expect(await everything()).toEqual(before);
    await expectVerified(world);
    expect((await runDocket(['repair', '--yes'], world.env)).output).toBe('OK nothing is missing');

    // The ingestor was fenced, and owns the partition again by itself.
    await publishEvents(world, acme, 2);
    expect(await untilStored(world, acme, 12)).toHaveLength(12);
    await untilReady(ingestor);
    await expectVerified(world);
  }, 120_000);

  test('leaves a row alone that contradicts its record, and says so', async () => {
    const exchange = `UPDATE seq = if(seq = 3, 4, 3) WHERE tenant_id = '${other}' AND seq IN (3, 4)`;
    await alterRows(world, exchange);
    const { code, output } = await runDocket(['repair', '--partition', '0', '--yes'], world.env);
    expect(code).toBe(1);
    expect(output).toMatch(
      new RegExp(`${other} .*left alone: offset \\d+ is stored as ${other}/4, its record is ${other}/3`),
    );
    await alterRows(world, exchange);
    await expectVerified(world);
  }, 120_000);

  test('what Kafka does not hold any more is reported, accepted as lost, and the rest is put back behind it', async () => {
    const stored = await rowsOf(world, acme);
    const cutAt = stored[4]?.offset ?? 0;
    await alterRows(world, `DELETE WHERE tenant_id = '${acme}' AND seq IN (2, 4, 5, 6)`);
    // Seq 2 and 4 are gone from both, 5 and 6 still are in Kafka: the gap 4..6 is half gone.
    await deleteRecords(world, 0, cutAt);
    const repaired = await runDocket(['repair', '--yes'], world.env);
    expect(repaired.output).toMatch(/gone from Kafka: docket accept-loss/);
    expect(repaired.output).toMatch(/2 rows put back; the rest is left/);
    expect(repaired.code).toBe(1);
    expect((await rowsOf(world, acme)).map(({ seq }) => seq)).toEqual([1, 3, 5, 6, 7, 8, 9, 10, 11, 12]);

    const dry = await runDocket(['accept-loss', '--partition', '0'], world.env);
    expect(dry.code).toBe(1);
    expect(dry.output).toMatch(/2 rows +neither ClickHouse nor Kafka has them any more/);
    expect((await runDocket(['accept-loss', '--yes'], world.env)).code).toBe(0);
    expect((await untilStored(world, acme, 12)).slice(0, 7)).toEqual([
      'accepted', 'lost', 'accepted', 'lost', 'accepted', 'quarantined', 'duplicate',
    ]); // prettier-ignore
    await expectVerified(world, /2 rows say lost/);
    expect((await runDocket(['repair'], world.env)).code).toBe(0);
    expect((await runDocket(['accept-loss'], world.env)).output).toBe('OK nothing is lost');
    await publishEvents(world, acme, 1);
    await untilStored(world, acme, 13);
  }, 180_000);

  test('refuses a partition that does not exist, and what is no number', async () => {
    const none = await runDocket(['repair', '--partition', '7'], world.env);
    expect([none.code, none.output]).toEqual([1, expect.stringContaining('there is no partition 7')]);
    expect((await runDocket(['repair', '--partition', '-1'], world.env)).code).not.toBe(0);
  }, 60_000);
});
