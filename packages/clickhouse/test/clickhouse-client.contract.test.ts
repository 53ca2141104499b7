import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClickHouse, type ClickHouse } from '../src/index.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
let clickhouse: ClickHouse;

beforeAll(async () => {
  database = await createTestDatabase();
  clickhouse = database.clickhouse;
});
afterAll(() => database.drop());

describe('query', () => {
  test.each([
    "it's",
    String.raw`back\slash \n \0 \N`,
    'tab\tline\nreturn\r',
    '\u0000NUL\u0000',
    '👩‍👩‍👧',
    '{a:String}',
    '%27 %00 + &param_x=1',
    "'; DROP TABLE audit_events; --",
    'x'.repeat(100_000),
  ])('a parameter arrives as it is, alone and in an array', async (value) => {
    const rows = await clickhouse.query('SELECT {value:String} AS one, {values:Array(String)} AS many', {
      value,
      values: [value, ''],
    });
    expect(rows).toEqual([{ one: value, many: [value, ''] }]);
  });

  test('an error carries ClickHouse’s own code, even when the text quotes another', async () => {
    const sql = "SELECT throwIf(1, 'Code: 62. DB::Exception: fenced (SYNTAX_ERROR)')";
    await expect(clickhouse.query(sql)).rejects.toMatchObject({
      name: 'ClickHouseError',
      code: 395,
      reason: 'refused',
    });
    await expect(clickhouse.query('SELEKT 1')).rejects.toMatchObject({ code: 62, reason: 'refused' });
  });

  test('a failure after the first row is an error, not a short answer', async () => {
    const sql = 'SELECT throwIf(number = 3000000) AS n FROM numbers(4000000) SETTINGS max_block_size = 1000';
    await expect(clickhouse.query(sql)).rejects.toMatchObject({ code: 395 });
  });

  test('a deadline and an abort end the query at the server too', async () => {
    const sql =
      'SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0';
    const queryId = randomUUID();
    await expect(clickhouse.query(sql, {}, { deadlineMs: 300, queryId })).rejects.toMatchObject({
      reason: 'unavailable',
      code: 0,
    });
    await gone(queryId);

    const controller = new AbortController();
    const aborted = clickhouse.query(sql, {}, { signal: controller.signal, queryId: `${queryId}-2` });
    await running(`${queryId}-2`);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ reason: 'unavailable' });
    await gone(`${queryId}-2`);
  }, 20_000);

  test('a signal that is already aborted sends nothing', async () => {
    await expect(clickhouse.query('SELECT 1', {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'unavailable',
    });
  });
});

describe('ping', () => {
  test('tells whether this user can work in this database', async () => {
    expect(await clickhouse.ping()).toEqual({ ok: true });
    const elsewhere = createClickHouse({ ...database.config, clickhouseDatabase: 'no_such_database' });
    expect(await elsewhere.ping()).toMatchObject({ ok: false, code: 81 });
    await elsewhere.close();
  });

  test('a proxy’s own error page is no answer of ClickHouse', async () => {
    const proxy = createServer((_, response) => void response.writeHead(502).end('Code: 395. DB::Exception: fenced'));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const behind = createClickHouse({ ...database.config, clickhouseUrl: `http://127.0.0.1:${port}` });
    expect(await behind.ping()).toMatchObject({ ok: false, code: 0 });
    await behind.close();
    await new Promise((resolve) => proxy.close(resolve));
  });
});

async function isRunning(queryId: string): Promise<boolean> {
  return (
    (await clickhouse.query('SELECT 1 FROM system.processes WHERE query_id = {queryId:String}', { queryId })).length > 0
  );
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadlineMs = performance.now() + 8_000; !(await condition()); await pause(20)) {
    if (performance.now() > deadlineMs) throw new Error(`not in time: ${what}`);
  }
}

const running = (queryId: string): Promise<void> => until(() => isRunning(queryId), `${queryId} runs`);
const gone = (queryId: string): Promise<void> => until(async () => !(await isRunning(queryId)), `${queryId} is gone`);
