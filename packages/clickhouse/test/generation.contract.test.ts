import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventColumns, type EventRow } from '@docket/event';
import {
  carryHeads,
  claimPartitions,
  closeGeneration,
  createBlock,
  insertBlock,
  positionOf,
  readHeads,
  type Guard,
} from '../src/index.ts';
import { createTestDatabase, eventRow, type TestDatabase } from './test-database.ts';

const generation = 1;
const partitions = [0, 1];
let database: TestDatabase;
let closed: Guard;

const guardOf = (owner: string): Guard => ({ generation, owners: new Map(partitions.map((one) => [one, owner])) });

async function store(guard: Guard, rows: readonly Partial<EventRow>[]) {
  const block = createBlock<EventRow>(eventColumns);
  for (const row of rows) block.append(eventRow(row));
  return insertBlock(database.clickhouse, { table: 'audit_events', block, guard, token: randomUUID() });
}

beforeAll(async () => {
  database = await createTestDatabase();
  const owner = randomUUID();
  await claimPartitions(database.clickhouse, { generation, partitions, owner });
  await store(guardOf(owner), [
    { src_partition: 0, tenant_id: 'a', seq: 1, src_offset: 5 },
    { src_partition: 0, tenant_id: 'a', seq: 2, src_offset: 8 },
    { src_partition: 0, tenant_id: 'b', seq: 1, src_offset: 9 },
  ]);
});
afterAll(() => database.drop());

describe('a generation that is closed', () => {
  test('I2: has its owner for good: no claim succeeds, and no other owner writes', async () => {
    const first = randomUUID();
    expect(await closeGeneration(database.clickhouse, { generation, partitions, owner: first })).toBe(first);
    closed = guardOf(first);
    const late = randomUUID();
    expect(await claimPartitions(database.clickhouse, { generation, partitions, owner: late })).toEqual(new Set());
    expect(await store(guardOf(late), [{ src_partition: 0, tenant_id: 'a', seq: 3, src_offset: 10 }])).toMatchObject({
      ok: false,
      reason: 'fenced',
    });
    expect(await store(closed, [{ src_partition: 0, tenant_id: 'a', seq: 3, src_offset: 10 }])).toEqual({ ok: true });
  });

  test('is closed once: who comes later goes on for the one that has closed it', async () => {
    const again = await closeGeneration(database.clickhouse, { generation, partitions, owner: randomUUID() });
    expect(again).toBe(closed.owners.get(0));
  });

  test('I3: leaves every log to the next one behind its last seq, and each partition at its own offset', async () => {
    const starts = new Map([
      [0, 7],
      [1, 0],
    ]);
    for (let times = 0; times < 2; times += 1) await carryHeads(database.clickhouse, closed, starts);
    const heads = await readHeads(database.clickhouse, { generation: 2, partitions });
    const [first, second] = [heads.get(0), heads.get(1)];
    expect(first === undefined ? undefined : positionOf(first)).toBe(7);
    expect(first?.heads).toEqual(
      new Map([
        ['!p0', { log: '!p0', firstSeq: 1, headSeq: 0, headOffset: -1, rows: 0 }],
        ['a', { log: 'a', firstSeq: 4, headSeq: 3, headOffset: -1, rows: 0 }],
        ['b', { log: 'b', firstSeq: 2, headSeq: 1, headOffset: -1, rows: 0 }],
      ]),
    );
    expect(second).toMatchObject({ last: null, startOffset: 0 });
  });

  test('I3: a log that has no record in the next one is left to the one after it', async () => {
    const owner = randomUUID();
    const closedNext: Guard = { generation: 2, owners: new Map(partitions.map((one) => [one, owner])) };
    await closeGeneration(database.clickhouse, { generation: 2, partitions, owner });
    await carryHeads(database.clickhouse, closedNext, new Map(partitions.map((one) => [one, 0])));
    const heads = await readHeads(database.clickhouse, { generation: 3, partitions: [0] });
    expect(heads.get(0)?.heads.get('a')).toMatchObject({ firstSeq: 4, headSeq: 3 });
  });

  test('is left by its owner alone', async () => {
    const stale = guardOf(randomUUID());
    await expect(carryHeads(database.clickhouse, stale, new Map([[0, 99]]))).rejects.toMatchObject({ code: 395 });
    const heads = await readHeads(database.clickhouse, { generation: 2, partitions: [0] });
    expect(heads.get(0)?.startOffset).toBe(7);
  });
});
