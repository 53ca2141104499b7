import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newEventId, partitionOf } from '@docket/event';
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
import { alterRows } from '../operator-world.ts';

/** Each damage is done to the table of a whole world, seen by verify, and the table is put back. */
const mutations: readonly { readonly name: string; readonly damage: string; readonly kind: string }[] = [
  { name: 'a row deleted in the middle', damage: `DELETE WHERE tenant_id = 'acme' AND seq = 5`, kind: 'hole' },
  {
    name: 'the newest row deleted',
    damage: `DELETE WHERE src_partition = {home} AND src_offset = {newest}`,
    kind: 'behind_commit',
  },
  {
    name: 'two seqs swapped',
    damage: `UPDATE seq = if(seq = 3, 4, 3) WHERE tenant_id = 'acme' AND seq IN (3, 4)`,
    kind: 'disorder',
  },
  {
    name: 'content changed',
    damage: `UPDATE description = 'forged' WHERE tenant_id = 'acme' AND seq = 7`,
    kind: 'different_row',
  },
  {
    name: 'metadata changed',
    damage: `UPDATE metadata = map('n', 'forged') WHERE tenant_id = 'acme' AND seq = 7`,
    kind: 'different_row',
  },
  {
    name: 'the status changed',
    damage: `UPDATE status = 'duplicate' WHERE tenant_id = 'acme' AND seq = 7`,
    kind: 'different_row',
  },
  {
    name: 'quarantined bytes changed',
    damage: `UPDATE raw = 'x' WHERE tenant_id = 'acme' AND status = 'quarantined'`,
    kind: 'different_row',
  },
  {
    name: 'the offset changed',
    damage: `UPDATE src_offset = src_offset + 1000 WHERE tenant_id = 'acme' AND seq = 7`,
    kind: 'missing_row',
  },
];

/** The table remembers what it was given; the damage must not be taken for a retry. */
const asNew = { settings: { insert_deduplicate: 0 } };

async function runVerify(world: World): Promise<{ code: number | null; output: string; kinds: string[] }> {
  const run = await runDocket(['verify'], world.env);
  return { ...run, kinds: [...run.output.matchAll(/^FINDING (\w+)/gm)].map(([, kind = '']) => kind) };
}

describe('docket verify', () => {
  let world: World;
  let newest = 0;

  beforeAll(async () => {
    world = await createWorld({ partitions: 2 });
    const records = Array.from({ length: 12 }, (_, n) =>
      eventRecord(world, eventInput('acme', { id: newEventId(), description: `event ${n}`, metadata: { n } })),
    );
    await publishRecords(world, [{ key: 'acme', value: Buffer.from('garbage') }, ...records]);
    await publishRecords(world, [eventRecord(world, eventInput('globex'))]);
    const ingestor = await startService('ingestor', world.env);
    newest = await eventually(
      async () => {
        const [row] = await world.clickhouse.query<{ n: number; newest: number }>(
          'SELECT count() AS n, maxIf(src_offset, tenant_id = {log:String}) AS newest FROM audit_events',
          { log: 'acme' },
        );
        return row?.n === 14 ? row.newest : undefined;
      },
      { what: 'the storing of 14 rows' },
    );
    await ingestor.stop();
    await world.clickhouse.command('CREATE TABLE pristine AS audit_events');
    await world.clickhouse.command('INSERT INTO pristine SELECT * FROM audit_events');
  }, 120_000);
  afterAll(() => world.close(), 60_000);

  async function restore(): Promise<void> {
    await world.clickhouse.command('TRUNCATE TABLE audit_events');
    await world.clickhouse.command('INSERT INTO audit_events SELECT * FROM pristine', {}, asNew);
  }

  async function expectClean(): Promise<void> {
    const { code, output } = await runVerify(world);
    expect(output).toMatch(/\nOK 2 partitions, 2 logs, 14 rows checked; 14 records recomputed: I2, I3, I4 hold$/);
    expect(code).toBe(0);
  }

  test('finds nothing in a whole log', expectClean, 60_000);

  test.each(mutations)(
    'finds $name',
    async ({ damage, kind }) => {
      const home = String(partitionOf('acme', world.partitions));
      const sql = damage.replace('{home}', home).replace('{newest}', String(newest));
      await alterRows(world, sql);
      const { code, kinds } = await runVerify(world);
      expect(kinds).toContain(kind);
      expect(code).toBe(1);
      await restore();
    },
    60_000,
  );

  test.each([
    ['a row doubled', 'seq', 'doubled_row'],
    ['a row doubled under a new seq', 'seq + 100 AS seq', 'doubled_row'],
    ['the tenant changed', `seq`, 'wrong_partition'],
  ])(
    'finds %s',
    async (name, seq, kind) => {
      const isMoved = name === 'the tenant changed';
      const tenant = isMoved ? `'${otherPartitionsTenant(world.partitions)}' AS tenant_id` : 'tenant_id';
      await world.clickhouse.command(
        `INSERT INTO audit_events SELECT * REPLACE (${seq.includes('AS') ? seq : `${seq} AS seq`}, ${tenant.includes('AS') ? tenant : `${tenant} AS tenant_id`})
       FROM (SELECT * FROM pristine WHERE tenant_id = 'acme' AND seq = 7)`,
        {},
        asNew,
      );
      // A column of the sorting key cannot be updated: the row moves by being written there and deleted here.
      if (isMoved) await alterRows(world, `DELETE WHERE tenant_id = 'acme' AND seq = 7`);
      const { code, kinds } = await runVerify(world);
      expect(kinds).toContain(kind);
      expect(code).toBe(1);
      await restore();
    },
    60_000,
  );

  test.each([
    ['rows of a generation that is not open yet', '9 AS src_generation', 'wrong_partition'],
    ['rows of a partition that the topic does not have', '7 AS src_partition', 'wrong_partition'],
    ['a lost row where Kafka has the record', `'lost' AS status, 'lost: forged' AS status_detail`, 'different_row'],
  ])(
    'finds %s',
    async (_name, changed, kind) => {
      const one = `tenant_id = 'acme' AND seq = 7`;
      await world.clickhouse.command(
        `INSERT INTO audit_events SELECT * REPLACE (${changed}) FROM (SELECT * FROM pristine WHERE ${one})`,
        {},
        asNew,
      );
      const ofBefore = `${one} AND status = 'accepted' AND src_generation = 1 AND src_partition < 2`;
      await alterRows(world, `DELETE WHERE ${ofBefore}`);
      const { code, kinds } = await runVerify(world);
      expect(kinds).toContain(kind);
      expect(code).toBe(1);
      await restore();
    },
    60_000,
  );

  test.each([
    ['a head that was written down and has no row', 14, 1, `log acme: its recorded head is seq 14`],
    ['rows below what retention has cut', 13, 3, `log acme: begins at seq 1 instead of 3`],
  ])(
    'finds %s',
    async (_name, head, first, detail) => {
      await world.clickhouse.command(
        `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq, head_offset)
         VALUES (1, {home:UInt16}, 'acme', {first:UInt64}, {head:UInt64}, {newest:UInt64})`,
        { home: partitionOf('acme', world.partitions), head, first, newest: newest + head - 13 },
      );
      const { code, output } = await runVerify(world);
      expect(output).toContain(`FINDING hole partition`);
      expect(output).toContain(detail);
      expect(code).toBe(1);
      await world.clickhouse.command('TRUNCATE TABLE log_heads');
    },
    60_000,
  );

  test('the table put back is whole again', expectClean, 60_000);

  test('tells the operator which service is away', async () => {
    const { code, output } = await runDocket(['verify'], { ...world.env, CLICKHOUSE_URL: 'http://127.0.0.1:1' });
    expect(code).toBe(1);
    expect(output).toMatch(/ECONNREFUSED/);
  }, 60_000);
});

/** A tenant whose home is not acme's partition. */
function otherPartitionsTenant(partitions: number): string {
  const home = partitionOf('acme', partitions);
  const found = Array.from({ length: 100 }, (_, n) => `other-${n}`).find(
    (name) => partitionOf(name, partitions) !== home,
  );
  if (found === undefined) throw new Error('no such tenant');
  return found;
}
