import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventColumns, type EventRow } from '@docket/event';
import { claimPartitions, createBlock, insertBlock, readFirstAt, readSeqAt } from '../src/index.ts';
import { createTestDatabase, eventRow, type TestDatabase } from './test-database.ts';

const generation = 2;
const partition = 3;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const { clickhouse } = database;
  const owner = randomUUID();
  await claimPartitions(clickhouse, { generation, partitions: [partition], owner });
  const block = createBlock<EventRow>(eventColumns);
  const at = { src_generation: generation, src_partition: partition };
  block.append(eventRow({ ...at, tenant_id: 'acme', seq: 1, src_offset: 20, status: 'duplicate' }));
  block.append(eventRow({ ...at, tenant_id: 'other', seq: 1, src_offset: 21 }));
  block.append(eventRow({ ...at, tenant_id: 'acme', seq: 2, src_offset: 25 }));
  const guard = { generation, owners: new Map([[partition, owner]]) };
  expect(await insertBlock(clickhouse, { table: 'audit_events', block, guard, token: `${owner}/1` })).toEqual({
    ok: true,
  });
});
afterAll(() => database.drop());

const firstAt = (offset: number, of = generation, tenantId = 'acme') =>
  readFirstAt(database.clickhouse, { tenantId, generation: of, offset });

test.each([
  [0, 1],
  [20, 1],
  [21, 2],
  [25, 2],
  [26, undefined],
])('from offset %i on, the first record of the log has seq %p', async (offset, expected) => {
  expect(await firstAt(offset)).toBe(expected);
});

test('what is of a later generation lies behind; nothing of another log counts', async () => {
  expect(await firstAt(1_000, generation - 1)).toBe(1);
  expect(await firstAt(0, generation + 1)).toBeUndefined();
  expect(await firstAt(0, generation, 'nobody')).toBeUndefined();
});

test('readSeqAt: the last seq of a log up to a place in Kafka, over generations; none before its first record', async () => {
  const seqAt = (offset: number, of = generation) =>
    readSeqAt(database.clickhouse, { tenantId: 'acme', generation: of, offset });
  expect([await seqAt(19), await seqAt(20), await seqAt(24), await seqAt(25)]).toEqual([0, 1, 1, 2]);
  expect([await seqAt(Number.MAX_SAFE_INTEGER, 1), await seqAt(-1, 3)]).toEqual([0, 2]);
});
