import type { ClickHouse } from '@docket/clickhouse';
import { eventColumns, newEventId } from '@docket/event';
import { eventually } from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkTenantLock } from '../src/gate/lock-check.ts';
import { allLogsLock, tenantLock } from '../src/gate/tenant-lock-policy.ts';
import { openEventStream } from './event-stream.ts';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

const ids = { acme: newEventId(), globex: newEventId() };
const range = 'since=2026-10-31T00:00:00Z&until=2026-11-02T00:00:00Z';

/** Everything that reads a log, asked by acme; and the same asked by globex, which must find something. */
const pathsOf = (tenant: 'acme' | 'globex'): string[] => [
  '/v1/events',
  `/v1/events/${ids[tenant]}`,
  '/v1/events?q=marker',
  '/v1/events?actor_id=shared',
  `/v1/events/histogram?${range}&by=service`,
  '/v1/events/facets?field=actor_id&field=service&field=ip&field=metadata.marker',
  '/v1/feed?after=0',
];

async function fill(world: QueryWorld): Promise<void> {
  const row = (tenant: 'acme' | 'globex', seq: number) => ({
    tenant_id: tenant,
    seq,
    id: seq === 1 ? ids[tenant] : newEventId(),
    actor_id: 'shared',
    source_service: `service-marker-${tenant}`,
    description: `description marker ${tenant}`,
    ip: tenant === 'acme' ? '203.0.113.1' : '203.0.113.2',
    metadata: { marker: `metadata-marker-${tenant}` },
  });
  await world.store([row('acme', 1), row('globex', 1), row('globex', 2), row('globex', 3)]);
  await world.store([
    { ...row('acme', 2), status: 'quarantined', status_detail: 'detail-acme', raw: Buffer.from('raw-acme') },
    { ...row('globex', 4), status: 'quarantined', status_detail: 'detail-globex', raw: Buffer.from('raw-globex') },
  ]);
}

/** All of a Parquet file. */
function parquetRows({ clickhouse }: QueryWorld, file: Buffer): Promise<unknown[]> {
  return clickhouse.query('SELECT * FROM format(Parquet, base64Decode({file:String}))', {
    file: file.toString('base64'),
  });
}

/** A builder that errs: no statement is scoped to a tenant any more. How many it spoiled is counted. */
function forgetful(spoiled: { count: number }) {
  const spoil = (sql: string): string => {
    const unscoped = sql.replaceAll(/tenant_id = \{\w+:String\}/g, 'true');
    if (unscoped !== sql) spoiled.count += 1;
    return unscoped;
  };
  return (clickhouse: ClickHouse): ClickHouse => ({
    ...clickhouse,
    query: (sql, params, options) => clickhouse.query(spoil(sql), params, options),
    stream: (sql, params, options) => clickhouse.stream(spoil(sql), params, options),
  });
}

describe.each([
  ['with both locks', true, false],
  ['I5: without the scope in statements the row policy holds', true, true],
  ['I5: without the row policy the scope in statements holds', false, false],
])('%s', (_, isLocked, isForgetful) => {
  const spoiled = { count: 0 };
  let world: QueryWorld;
  beforeAll(async () => {
    world = await createQueryWorld({ isLocked, ...(isForgetful ? { disturb: forgetful(spoiled) } : {}) });
    await fill(world);
  });
  afterAll(() => world.close());

  test('no answer to acme holds a byte of globex, and each shows its own', async () => {
    for (const [tenant, other] of [['acme', 'globex'], ['globex', 'acme']] as const) {
      const key = world.key([tenant]);
      for (const path of pathsOf(tenant)) {
        const { status, body } = await world.get(path, key);
        const text = JSON.stringify(body);
        expect([path, status, text.includes(tenant)]).toEqual([path, 200, true]);
        expect(text).not.toContain(other);
        expect(text).not.toContain(tenant === 'acme' ? '203.0.113.2' : '203.0.113.1');
      }
      expect((await world.get(`/v1/events/${ids[other]}`, key)).status).toBe(404);
    }
    if (isForgetful) expect(spoiled.count).toBeGreaterThan(10);
  }); // prettier-ignore

  test.each(['ndjson', 'csv', 'parquet'])('no export of acme holds a byte of globex: %s', async (format) => {
    for (const [tenant, other] of [['acme', 'globex'], ['globex', 'acme']] as const) {
      const before = spoiled.count;
      const headers = { authorization: world.key([tenant]) };
      const response = await fetch(`${world.url}/v1/export?format=${format}`, { headers });
      const bytes = Buffer.from(await response.arrayBuffer());
      const text = format === 'parquet' ? JSON.stringify(await parquetRows(world, bytes)) : bytes.toString('utf8');
      expect([response.status, text.includes(`metadata-marker-${tenant}`)]).toEqual([200, true]);
      expect(text).not.toContain(other);
      if (isForgetful) expect(spoiled.count).toBeGreaterThan(before);
    }
  }); // prettier-ignore

  test('no tail and no ledger of acme shows anything of globex', async () => {
    const key = world.key(['acme']);
    const stream = await openEventStream(`${world.url}/v1/tail?after=0`, { authorization: key });
    await eventually(() => stream.messages.at(-1)?.id === '2', { what: 'the whole log' });
    stream.close();
    expect(stream.text()).toContain('metadata-marker-acme');
    expect(stream.text()).not.toContain('globex');
    const { body } = await world.get(`/v1/ledger?${range}`, key);
    expect(body['statuses']).toMatchObject({ accepted: 1, quarantined: 1 });
    expect(body['complete_through']).toBe(2);
  });

  test('no count of acme counts an event of globex', async () => {
    const key = world.key(['acme']);
    expect((await world.get(`/v1/events/histogram?${range}`, key)).body['total']).toBe(1);
    expect((await world.get('/v1/events/facets?field=actor_id', key)).body['total']).toBe(1);
    expect((await world.get('/v1/feed?after=0', key)).body).toMatchObject({ next_after: 2, complete_through: 2 });
  });
});

describe('I5: the user of the query service at ClickHouse', () => {
  let world: QueryWorld;
  beforeAll(async () => {
    world = await createQueryWorld();
    await fill(world);
    await world.clickhouse.command(
      `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq) VALUES (1, 0, 'acme', 1, 2), (1, 0, 'globex', 1, 4)`,
    );
    await world.clickhouse.command(
      `INSERT INTO delivery_attempts (attempt_id, tenant_id, started_at) VALUES (generateUUIDv4(), 'acme', now()), (generateUUIDv4(), 'globex', now())`,
    );
  });
  afterAll(() => world.close());

  const seen = (table: string, headers: Readonly<Record<string, string>>) =>
    world.readers.query<{ log: string }>(
      `SELECT DISTINCT tenant_id AS log FROM ${table} ORDER BY log`,
      {},
      { headers },
    );

  test.each(['audit_events', 'log_heads', 'delivery_attempts'])(
    'sees of %s the rows of the log that the header names, and none without it',
    async (table) => {
      expect(await seen(table, tenantLock('acme'))).toEqual([{ log: 'acme' }]);
      expect(await seen(table, {})).toEqual([]);
      expect(await seen(table, tenantLock(''))).toEqual([]);
      expect(await seen(table, tenantLock("acme' OR 1 = 1 --"))).toEqual([]);
      const all = await world.clickhouse.query(`SELECT DISTINCT tenant_id FROM ${table}`);
      expect(all).toHaveLength(2);
    },
  );

  test.each([
    ['SELECT count() AS n FROM audit_events AS other', 2],
    ['SELECT count() AS n FROM (SELECT * EXCEPT (x) FROM (SELECT tenant_id, 1 AS x FROM audit_events))', 2],
    ['SELECT count() AS n FROM audit_events AS a JOIN audit_events AS b ON a.actor_id = b.actor_id', 4],
    ['WITH every AS (SELECT tenant_id FROM audit_events) SELECT count() AS n FROM every', 2],
    ["SELECT count() AS n FROM audit_events WHERE tenant_id = 'globex'", 0],
    ["SELECT countIf(tenant_id = 'globex') AS n FROM audit_events", 0],
    ['SELECT count() AS n FROM audit_events SETTINGS optimize_trivial_count_query = 1', 2],
    ['SELECT count() AS n FROM audit_events SETTINGS optimize_move_to_prewhere = 0', 2],
  ])('is held whatever a statement says: %s', async (sql, expected) => {
    expect(await world.readers.query(sql, {}, { headers: tenantLock('acme') })).toEqual([{ n: expected }]);
  });

  const internal = [
    'raw',
    'status_detail',
    'src_offset',
    'src_partition',
    'content_hash',
    'commitment_seed',
    'schema_id',
  ];
  test.each(internal)('may not read the column %s, nor ask about it', async (column) => {
    expect(eventColumns.map(({ name }) => name)).toContain(column);
    for (const sql of [
      `SELECT ${column} FROM audit_events`,
      `SELECT count() FROM audit_events WHERE toString(${column}) != ''`,
      `SELECT count() FROM audit_events GROUP BY ${column}`,
      `SELECT seq FROM audit_events ORDER BY ${column}`,
    ]) {
      await expect(world.readers.query(sql, {}, { headers: tenantLock('acme') })).rejects.toMatchObject({ code: 497 });
    }
  });

  test.each(['raw.size', 'status_detail.size'])('may not read a part of such a column: %s', async (part) => {
    const sql = `SELECT ${part} FROM audit_events`;
    expect(await world.clickhouse.query(sql)).not.toEqual([]);
    await expect(world.readers.query(sql, {}, { headers: tenantLock('acme') })).rejects.toMatchObject({ code: 497 });
  });

  test('sees why a record was set aside, and its bytes, in an operator’s request only, and of one log', async () => {
    const ask = (headers: Readonly<Record<string, string>>) =>
      world.readers.query('SELECT tenant_id, status_detail, raw FROM operator_records', {}, { headers });
    expect(await ask(tenantLock('acme'))).toEqual([]);
    expect(await ask({})).toEqual([]);
    expect(await ask({ ...tenantLock('', { isOperator: true }) })).toEqual([]);
    expect(await ask(tenantLock('globex', { isOperator: true }))).toEqual([
      { tenant_id: 'globex', status_detail: 'detail-globex', raw: 'raw-globex' },
    ]);
  });

  test('sees where rows lie in Kafka in an operator’s request only, and of one log', async () => {
    const ask = (headers: Readonly<Record<string, string>>) =>
      world.readers.query('SELECT DISTINCT tenant_id FROM operator_places', {}, { headers });
    for (const headers of [{}, tenantLock('acme'), tenantLock('', { isOperator: true })])
      expect(await ask(headers)).toEqual([]);
    expect(await ask(tenantLock('globex', { isOperator: true }))).toEqual([{ tenant_id: 'globex' }]);
  });

  test('sees what could not be read of all logs in an operator’s request about all logs only, and then nothing else', async () => {
    const ask = (table: string, headers: Readonly<Record<string, string>>) =>
      world.readers.query(`SELECT tenant_id, raw FROM ${table} ORDER BY tenant_id`, {}, { headers });
    for (const headers of [
      {},
      tenantLock('acme'),
      tenantLock('', { isOperator: true }),
      tenantLock('acme', { isOperator: true }),
    ])
      expect(await ask('operator_quarantine', headers)).toEqual([]);
    expect(await ask('operator_quarantine', allLogsLock())).toEqual([
      { tenant_id: 'acme', raw: 'raw-acme' },
      { tenant_id: 'globex', raw: 'raw-globex' },
    ]);
    expect(await ask('operator_records', { ...tenantLock('acme'), ...allLogsLock() })).toEqual([]);
    const rows = await world.readers.query('SELECT tenant_id FROM audit_events', {}, { headers: allLogsLock() });
    expect(rows).toEqual([]);
  });

  test.each([
    ["INSERT INTO audit_events (tenant_id) VALUES ('x')", 497],
    ['ALTER TABLE audit_events DELETE WHERE 1', 497],
    ['DROP TABLE audit_events', 497],
    ['CREATE TABLE mine (a UInt8) ENGINE = Memory', 497],
    ['TRUNCATE TABLE log_heads', 497],
    ['KILL QUERY WHERE 1', 497],
    ['SELECT * FROM ingest_fence', 497],
    ['SELECT * FROM schema_migrations', 497],
    ['SELECT * FROM events', 497],
    ['SELECT * FROM system.processes', 497],
    ["SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a UInt8')", 497],
    ["SELECT * FROM file('/etc/passwd', 'CSV', 'a String')", 497],
    ["SELECT * FROM merge(currentDatabase(), 'audit.*')", 497],
    ['SELECT 1 SETTINGS readonly = 0', 164],
    ['SELECT 1 SETTINGS allow_ddl = 1', 392],
    ['SELECT 1 SETTINGS allow_get_client_http_header = 0', 452],
    ['SELECT 1 SETTINGS max_execution_time = 0', 452],
    ['SELECT 1 SETTINGS max_execution_time = 21601', 452],
    ['SELECT 1 SETTINGS max_memory_usage = 0', 452],
    ['SELECT 1 SETTINGS max_memory_usage = 4000000001', 452],
    ['SELECT 1 SETTINGS max_rows_to_read = 0', 452],
  ])('may not: %s', async (sql, code) => {
    await expect(world.readers.queryBytes(sql, {}, { headers: tenantLock('acme') })).rejects.toMatchObject({ code });
    await expect(world.readers.command(sql, {}, { headers: tenantLock('acme') })).rejects.toMatchObject({ code });
  });

  test('is what the service checks before it is ready', async () => {
    await checkTenantLock(world.readers);
    await expect(checkTenantLock(world.clickhouse)).rejects.toMatchObject({ code: 'tenant_lock_missing' });
  });
});
