import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventColumns, type EventRow } from '@docket/event';
import { createBlock, insertBlock, readSeqBefore } from '../src/index.ts';
import { createTestDatabase, eventRow, type TestDatabase } from './test-database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const block = createBlock<EventRow>(eventColumns);
  // Another broker, whose clock is behind, became the leader before the third.
  for (const [index, second] of [100, 205, 199, 210].entries()) {
    block.append(
      eventRow({
        tenant_id: 'acme',
        seq: index + 1,
        src_offset: index,
        received_at: Date.UTC(2026, 10, 1) + second * 1_000,
      }),
    );
  }
  expect(await insertBlock(database.clickhouse, { table: 'audit_events', block, token: randomUUID() })).toEqual({
    ok: true,
  });
});
afterAll(() => database.drop());

test.each([
  [0, 0],
  [100, 0],
  [101, 1],
  [199, 1],
  [200, 1],
  [206, 3],
  [211, 4],
])('what was received since second %i begins behind seq %i', async (second, expected) => {
  const timeMs = Date.UTC(2026, 10, 1) + second * 1_000;
  expect(await readSeqBefore(database.clickhouse, { tenantId: 'acme', timeMs })).toBe(expected);
  expect(await readSeqBefore(database.clickhouse, { tenantId: 'nobody', timeMs })).toBe(0);
});
