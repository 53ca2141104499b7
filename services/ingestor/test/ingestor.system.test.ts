import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newEventId, partitionOf } from '@docket/event';
import type { PublishRecord } from '@docket/kafka';
import {
  createWorld,
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  runDocket,
  startService,
  type World,
} from '@docket/testkit';

interface Row {
  readonly log: string;
  readonly seq: number;
  readonly status: string;
  readonly reason: string;
  readonly id: string;
}

const rowsSql = `SELECT tenant_id AS log, seq, toString(status) AS status, splitByChar(':', status_detail)[1] AS reason, toString(id) AS id
FROM audit_events ORDER BY tenant_id, seq`;

async function untilStored(world: World, rows: number): Promise<Row[]> {
  return eventually(
    async () => {
      const stored = await world.clickhouse.query<Row>(rowsSql);
      return stored.length >= rows ? stored : undefined;
    },
    { what: `the storing of ${rows} rows`, deadlineMs: 60_000 },
  );
}

async function expectVerified(world: World): Promise<void> {
  const { code, output } = await runDocket(['verify'], world.env);
  expect(`${output}\nexit ${code}`).toMatch(/I2, I3, I4 hold\nexit 0$/);
}

describe('the ingestor', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  }, 60_000);
  afterAll(() => world.close(), 60_000);

  test('I2, I3: every kind of record becomes one row with its status, and nothing stops for bad data', async () => {
    const good = eventRecord(world, eventInput('acme', { id: newEventId() }));
    const conflicting = eventRecord(world, eventInput('acme', { id: newEventId() }));
    const first = eventInput('globex', { id: newEventId() });
    const stray = (partitionOf('acme', world.partitions) + 1) % world.partitions;
    const records: PublishRecord[] = [
      good,
      good,
      conflicting,
      { key: 'acme', value: Buffer.from('garbage') },
      { key: 'acme', value: null },
      { key: 'globex', value: good.value },
      eventRecord(world, first),
      eventRecord(world, { ...first, description: 'another content' }),
      { key: null, partition: stray, value: eventRecord(world, eventInput('acme')).value },
      { key: 'acme', partition: stray, value: eventRecord(world, eventInput('acme')).value },
      { key: null, partition: stray, value: Buffer.from('nobody’s garbage') },
    ];
    await publishRecords(world, records);
    const ingestor = await startService('ingestor', world.env);
    const rows = await untilStored(world, records.length + 2);
    const statuses = (log: string) =>
      rows.filter((row) => row.log === log).map((row) => [row.seq, row.status, row.reason]);
    expect(statuses('acme')).toEqual([
      [1, 'accepted', ''],
      [2, 'duplicate', ''],
      [3, 'accepted', ''],
      [4, 'quarantined', 'undecodable'],
      [5, 'quarantined', 'tombstone'],
      [6, 'accepted', ''],
      [7, 'accepted', ''],
    ]);
    expect(statuses('globex')).toEqual([
      [1, 'quarantined', 'key_mismatch'],
      [2, 'accepted', ''],
      [3, 'conflict', ''],
    ]);
    expect(statuses(`!p${stray}`)).toEqual([
      [1, 'rerouted', 'to acme'],
      [2, 'rerouted', 'to acme'],
      [3, 'quarantined', 'undecodable'],
    ]);
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null });
    await expectVerified(world);
  }, 120_000);

  test('a row that ClickHouse refuses is quarantined, and what repeats it is not lost as its duplicate', async () => {
    const id = newEventId();
    const name = 'refusals';
    const sent = (description: string) => eventRecord(world, eventInput(name, { id, description }));
    const other = (n: number) => eventRecord(world, eventInput(name, { description: `other ${n}` }));
    await world.clickhouse.command("ALTER TABLE audit_events ADD CONSTRAINT none CHECK description != 'refuse me'");
    const records = [other(1), sent('refuse me'), other(2), sent('taken'), other(3), sent('refuse me'), sent('taken')];
    await publishRecords(world, records);
    const ofLog = async () => {
      const rows = await world.clickhouse.query<Row>(rowsSql);
      const found = rows.filter(({ log }) => log === name).map(({ status, reason }) => `${status} ${reason}`.trim());
      return found.length >= records.length ? found : undefined;
    };
    const ingestor = await startService('ingestor', world.env);
    expect(await eventually(ofLog, { what: 'the storing of every row', deadlineMs: 60_000 })).toEqual([
      'accepted',
      'quarantined refused',
      'accepted',
      'accepted',
      'accepted',
      'quarantined refused',
      'duplicate',
    ]);
    const rawSql = `SELECT hex(raw) AS raw FROM audit_events WHERE tenant_id = '${name}' AND status = 'quarantined' ORDER BY seq`;
    const raws = await world.clickhouse.query<{ raw: string }>(rawSql);
    const refused = records.filter((_, index) => index === 1 || index === 5);
    expect(raws.map(({ raw }) => raw)).toEqual(refused.map(({ value }) => value?.toString('hex').toUpperCase()));
    await ingestor.stop();
    await world.clickhouse.command('ALTER TABLE audit_events DROP CONSTRAINT none');
    await expectVerified(world);
  }, 120_000);

  test('I2, I3, I4: after kill -9 in the middle of a drain, again and again, every record has exactly one row', async () => {
    const before = (await world.clickhouse.query<{ n: number }>('SELECT count() AS n FROM audit_events'))[0]?.n ?? 0;
    const tenants = Array.from({ length: 20 }, (_, n) => `tenant-${n}`);
    const records = Array.from({ length: 20_000 }, (_, n) =>
      eventRecord(world, eventInput(tenants[n % 20] ?? '', { description: `event ${n}` })),
    );
    await publishRecords(world, records);
    const env = { ...world.env, INGEST_BLOCK_ROWS_MAX: '500' };
    for (let kills = 0; kills < 3; kills += 1) {
      const stored = await world.clickhouse.query<{ n: number }>('SELECT count() AS n FROM audit_events');
      const ingestor = await startService('ingestor', env, { until: 'listening' });
      const target = (stored[0]?.n ?? 0) + 1000;
      await untilStored(world, target);
      await ingestor.kill('SIGKILL');
      await expectVerified(world);
    }
    const ingestor = await startService('ingestor', env);
    const rows = await untilStored(world, before + records.length);
    expect(rows).toHaveLength(before + records.length);
    expect(new Set(rows.filter(({ log }) => log.startsWith('tenant-')).map(({ id }) => id)).size).toBe(records.length);
    await ingestor.stop();
    await expectVerified(world);
  }, 300_000);
});
