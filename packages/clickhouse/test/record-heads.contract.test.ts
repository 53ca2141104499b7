import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventColumns, type EventRow } from '@docket/event';
import {
  claimPartitions,
  createBlock,
  insertBlock,
  positionOf,
  readHeads,
  readStoredRecord,
  recordHeads,
  type Guard,
} from '../src/index.ts';
import { recordHeadsSql } from '../src/record-heads.ts';
import { createTestDatabase, eventRow, type TestDatabase } from './test-database.ts';

const generation = 1;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function claim(partitions: readonly number[]): Promise<Guard> {
  const owner = randomUUID();
  await claimPartitions(database.clickhouse, { generation, partitions, owner });
  return { generation, owners: new Map(partitions.map((partition) => [partition, owner])) };
}

async function store(guard: Guard, rows: readonly Partial<EventRow>[]): Promise<void> {
  const block = createBlock<EventRow>(eventColumns);
  for (const row of rows) block.append(eventRow(row));
  const insertion = { table: 'audit_events', block, guard, token: randomUUID() };
  expect(await insertBlock(database.clickhouse, insertion)).toEqual({ ok: true });
}

const headsOf = async (partition: number) =>
  (await readHeads(database.clickhouse, { generation, partitions: [partition] })).get(partition);
const recordedOf = (partition: number) =>
  database.clickhouse.query(
    `SELECT tenant_id AS log, max(first_seq) AS first_seq, max(head_seq) AS head_seq, max(head_offset) AS head_offset
     FROM log_heads WHERE partition = {partition:UInt16} GROUP BY tenant_id ORDER BY tenant_id`,
    { partition },
  );
async function recordedRows(): Promise<number> {
  const [row] = await database.clickhouse.query<{ n: number }>('SELECT count() AS n FROM log_heads');
  return row?.n ?? 0;
}

describe('recordHeads', () => {
  test('writes down where each log stands, and again only what has moved', async () => {
    const guard = await claim([0]);
    await store(guard, [
      { tenant_id: 'a', seq: 1, src_offset: 5 },
      { tenant_id: 'b', seq: 1, src_offset: 6 },
    ]);
    await recordHeads(database.clickhouse, guard);
    const before = await recordedRows();
    await recordHeads(database.clickhouse, guard);
    expect(await recordedRows()).toBe(before);
    await store(guard, [{ tenant_id: 'b', seq: 2, src_offset: 9 }]);
    await recordHeads(database.clickhouse, guard);
    expect(await recordedRows()).toBe(before + 1);
    expect(await recordedOf(0)).toEqual([
      { log: 'a', first_seq: 1, head_seq: 1, head_offset: 5 },
      { log: 'b', first_seq: 1, head_seq: 2, head_offset: 9 },
    ]);
  });

  test('I3: heads and position outlive the rows, and the last record is recognised', async () => {
    const guard = await claim([1]);
    const id = randomUUID();
    await store(guard, [
      { src_partition: 1, tenant_id: 'c', seq: 1, src_offset: 10 },
      { src_partition: 1, tenant_id: 'd', seq: 1, src_offset: 11, id },
    ]);
    await recordHeads(database.clickhouse, guard);
    await database.clickhouse.command(
      'ALTER TABLE audit_events DELETE WHERE src_partition = 1',
      {},
      { settings: { mutations_sync: 1 } },
    );
    const heads = await headsOf(1);
    expect(heads === undefined ? undefined : positionOf(heads)).toBe(12);
    expect(heads?.heads.get('c')).toMatchObject({ headSeq: 1, headOffset: 10, rows: 0 });
    const at = { generation, partition: 1, log: 'd', offset: 11 };
    expect(await readStoredRecord(database.clickhouse, at)).toMatchObject({ id, receivedAtMs: Date.UTC(2026, 10, 1) });
  });

  test('a stale owner’s write does not happen', async () => {
    const stale = await claim([2]);
    await store(stale, [{ src_partition: 2, tenant_id: 'e', seq: 1, src_offset: 0 }]);
    await claim([2]);
    const late = recordHeads(database.clickhouse, stale);
    await expect(late).rejects.toMatchObject({ code: 395 });
    expect(await recordedOf(2)).toEqual([]);
  });

  test('nothing that was recorded before is lowered, also when parts merge', async () => {
    const guard = await claim([3]);
    await store(guard, [{ src_partition: 3, tenant_id: 'f', seq: 9, src_offset: 90 }]);
    await database.clickhouse.command(
      `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq, base_seq, base_offset) VALUES (1, 3, 'f', 7, 8, 2, 40)`,
    );
    await recordHeads(database.clickhouse, guard);
    await database.clickhouse.command('OPTIMIZE TABLE log_heads FINAL');
    const heads = await headsOf(3);
    expect(heads?.heads.get('f')).toEqual({ log: 'f', firstSeq: 7, headSeq: 9, headOffset: 90, rows: 1 });
    expect(heads?.startOffset).toBe(40);
  });

  test('a log that an earlier generation left behind goes on from its seq, and reading from where it was left', async () => {
    await database.clickhouse.command(
      `INSERT INTO log_heads (generation, partition, tenant_id, head_seq, base_seq, base_offset) VALUES (1, 4, 'g', 41, 41, 7)`,
    );
    const before = await headsOf(4);
    expect(before).toMatchObject({ last: null, startOffset: 7 });
    expect(before === undefined ? undefined : positionOf(before)).toBe(7);
    expect(before?.heads.get('g')).toEqual({ log: 'g', firstSeq: 42, headSeq: 41, headOffset: -1, rows: 0 });
    const guard = await claim([4]);
    await store(guard, [{ src_partition: 4, tenant_id: 'g', seq: 42, src_offset: 7 }]);
    expect((await headsOf(4))?.heads.get('g')).toEqual({ log: 'g', firstSeq: 42, headSeq: 42, headOffset: 7, rows: 1 });
  });

  test('is answered from the projection, not from the log', async () => {
    const guard = await claim([0]);
    const plan = await database.clickhouse.query<{ explain: string }>(
      `EXPLAIN ${recordHeadsSql(guard).replace(/^INSERT INTO .*\n/, '')}`,
      { generation, partitions: [0] },
      { settings: { optimize_use_projections: 1 } },
    );
    expect(plan.map(({ explain }) => explain).join('\n')).toContain('p_heads');
  });
});
