import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createBlock, insertBlock, writeCounted, type ClickHouse } from '@docket/clickhouse';
import { eventColumns, type EventRow } from '@docket/event';
import { createLogger } from '@docket/runtime';
import { eventually } from '@docket/testkit';
import { Registry } from 'prom-client';
import { createTestDatabase, eventRow, type TestDatabase } from '../../../../packages/clickhouse/test/test-database.ts';
import { createIngestorMetrics } from '../../src/metrics.ts';
import { createSourceWatch } from '../../src/sources/source-watch.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
}, 60_000);
afterAll(() => database.drop());

const generation = 1;
const partition = 0;

async function store(rows: readonly Partial<EventRow>[]): Promise<void> {
  const block = createBlock<EventRow>(eventColumns);
  for (const row of rows) block.append(eventRow({ src_generation: generation, src_partition: partition, ...row }));
  const outcome = await insertBlock(database.clickhouse, { table: 'audit_events', block, token: randomUUID() });
  if (!outcome.ok) throw new Error(outcome.message);
}

const numbered = (offset: number, tenantId: string, instance: string, counter: number): Partial<EventRow> => ({
  src_offset: offset,
  // Just now: nothing that is missing is due to be told.
  received_at: Date.now(),
  tenant_id: tenantId,
  seq: offset + 1,
  source_service: 'billing',
  source_instance: instance,
  source_counter: counter,
});

/** One look at what is stored; gives how many statements it took. */
async function look(): Promise<number> {
  let statements = 0;
  const clickhouse: ClickHouse = {
    ...database.clickhouse,
    query: (...asked) => {
      statements += 1;
      return database.clickhouse.query(...asked);
    },
  };
  const registry = new Registry();
  const ending = new AbortController();
  createSourceWatch({
    clickhouse,
    generation,
    openForMs: 3_600_000,
    kafkaEnds: () => Promise.reject(new Error('nothing is due')),
    tell: () => Promise.reject(new Error('there is nothing to tell')),
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createIngestorMetrics(registry, () => 0),
  }).watch([partition], ending.signal);
  const isDone = async () => (await registry.metrics()).includes('source_looks_total{outcome="done"} 1');
  try {
    await eventually(isDone, { what: 'a look at the sources' });
  } finally {
    ending.abort();
  }
  return statements;
}

test('I7: a tenant that names a new source with each event costs a look no more statements than one', async () => {
  await store([numbered(0, 'acme', 'pod 1', 3)]);
  // Counted by somebody who kept nothing of it.
  await writeCounted(database.clickhouse, { generation, partition, through: 0 });
  await store([numbered(1, 'acme', 'pod 1', 5), numbered(2, 'globex', 'pod 1', 1)]);
  const ofOne = await look();

  const many = Array.from({ length: 300 }, (_, index) => numbered(3 + index, 'initech', `request ${index}`, 2));
  await store([...many, numbered(303, 'acme', 'pod 1', 6), numbered(304, 'umbrella', 'pod 2', 4)]);
  expect(await look()).toBe(ofOne);

  const states = await database.clickhouse.query(
    `SELECT tenant_id, high, arrayMap(gap -> (gap.1, gap.2), gaps) AS missing, count() AS sources FROM source_counters FINAL
     GROUP BY ALL ORDER BY tenant_id`,
  );
  expect(states).toEqual([
    { tenant_id: 'acme', high: 6, missing: [[4, 4]], sources: 1 },
    { tenant_id: 'globex', high: 1, missing: [], sources: 1 },
    { tenant_id: 'initech', high: 2, missing: [[1, 1]], sources: 300 },
    { tenant_id: 'umbrella', high: 4, missing: [[1, 3]], sources: 1 },
  ]);
}, 60_000);

test('what was set aside is counted in the series of the tenant that it names, not of the log that it is in', async () => {
  const setAside = (offset: number, named: string | undefined, counter: number): Partial<EventRow> => {
    const source = { service: 'billing', instance: 'pod 9', counter };
    const raw = JSON.stringify({ tenant_id: named, action: 'Not An Action', source });
    return { ...numbered(offset, 'hooli', '', 0), source_service: '', status: 'quarantined', raw: Buffer.from(raw) };
  };
  await store([
    numbered(400, 'hooli', 'pod 9', 1),
    setAside(401, 'hooli', 2),
    setAside(402, undefined, 3),
    setAside(403, 'stark', 50),
  ]);
  await look();
  const states = await database.clickhouse.query(
    "SELECT tenant_id, high, length(gaps) AS gaps FROM source_counters FINAL WHERE instance = 'pod 9'",
  );
  expect(states).toEqual([{ tenant_id: 'hooli', high: 3, gaps: 0 }]);
}, 60_000);
