import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import {
  clickhouseSettings,
  createBlock,
  createClickHouse,
  insertBlock,
  migrate,
  type ClickHouse,
} from '@docket/clickhouse';
import { eventColumns, type EventRow } from '@docket/event';
import { readSettings } from '@docket/runtime';
import { clickhouseMigrationsDirectory } from '@docket/schemas';
import { claimTestDatabase, stackFromEnv } from '@docket/testkit';
import { eventRow } from '../../packages/clickhouse/test/test-database.ts';
import { analystsAnswers, analystsEvents } from './analysts-events.ts';
import { codeBlocks } from './code-blocks-mapper.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const document = read('docs/analysts.md');

let clickhouse: ClickHouse;
let database: string;

beforeAll(async () => {
  const env = stackFromEnv();
  const config = readSettings(clickhouseSettings, { ...env });
  database = await claimTestDatabase(config);
  const own = { ...config, clickhouseDatabase: database };
  await migrate(own, { directory: clickhouseMigrationsDirectory });
  clickhouse = createClickHouse(own);
  const seqOf = new Map<string, number>();
  const rows = analystsEvents(Date.now()).map(({ at, ...given }, offset) => {
    const tenant = given.tenant_id ?? 'acme';
    const seq = (seqOf.get(tenant) ?? 0) + 1;
    seqOf.set(tenant, seq);
    return eventRow({ ...given, seq, occurred_at: at * 1_000, received_at: at, src_offset: offset });
  });
  // One block, one month, as the ingestor's are.
  const monthOf = ({ received_at: ms }: EventRow): string => new Date(ms).toISOString().slice(0, 7);
  for (const month of new Set(rows.map(monthOf))) {
    const block = createBlock<EventRow>(eventColumns);
    for (const row of rows) if (monthOf(row) === month) block.append(row);
    expect(await insertBlock(clickhouse, { table: 'audit_events', block, token: randomUUID() })).toEqual({ ok: true });
  }
}, 60_000);

afterAll(async () => {
  await clickhouse?.command('DROP DATABASE IF EXISTS {database:Identifier} SYNC', { database });
  await clickhouse?.close();
});

interface Answer {
  readonly ok: boolean;
  /** Of ClickHouse; 0 when it is ok. */
  readonly code: number;
  readonly rows: readonly Record<string, unknown>[];
}

/** As an analyst's own tool asks: over HTTP, with nothing of ours between. */
async function ask(
  sql: string,
  settings: Readonly<Record<string, string>> = {},
  user = 'docket_analyst',
): Promise<Answer> {
  const env = stackFromEnv();
  const query = new URLSearchParams({ database, output_format_json_quote_64bit_integers: '0', ...settings });
  const response = await fetch(`${env.CLICKHOUSE_URL}/?${query.toString()}`, {
    method: 'POST',
    headers: { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': env.CLICKHOUSE_ANALYST_PASSWORD },
    body: `${sql}\nFORMAT JSONEachRow`,
  });
  const text = await response.text();
  const code = Number(response.headers.get('x-clickhouse-exception-code') ?? 0);
  if (!response.ok) return { ok: false, code, rows: [] };
  const rows = text.split('\n').filter((line) => line !== '');
  return { ok: true, code, rows: rows.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const questions = document
  .split(/^## /m)
  .slice(1)
  .map((section) => [section.split('\n')[0] ?? '', codeBlocks(section, 'sql')[0] ?? ''] as const);
const answers = analystsAnswers();

describe('docs/analysts.md', () => {
  test('has a known answer to each question, and asks each that has one', () => {
    expect(questions.map(([title]) => title)).toEqual(Object.keys(answers));
    expect(codeBlocks(document, 'sql')).toHaveLength(questions.length);
  });

  test.each(questions)('%s', async (title, sql) => {
    const answer = await ask(sql);
    expect(answer).toMatchObject({ ok: true, code: 0 });
    const expected = answers[title] ?? [];
    expect(answer.rows).toEqual(expected.map((row) => expect.objectContaining(row)));
  });
});

/** ACCESS_DENIED, READONLY, SETTING_CONSTRAINT_VIOLATION. */
const [accessDenied, readonly, constraintViolated] = [497, 164, 452];

describe('an analyst', () => {
  test.each(['raw', 'status_detail', 'src_partition', 'src_offset', 'commitment_seed', 'content_hash', 'ingest_from'])(
    'has no right to the column %s',
    async (column) => {
      expect(await ask(`SELECT ${column} FROM audit_events`)).toMatchObject({ ok: false, code: accessDenied });
    },
  );

  test('sees in the table what the view shows, and nothing that could not be read', async () => {
    const [all] = await clickhouse.query<{ n: number }>('SELECT count() AS n FROM audit_events');
    const [table] = (
      await ask("SELECT count(tenant_id) AS n, countIf(status = 'quarantined') AS hidden FROM audit_events")
    ).rows;
    const [view] = (await ask('SELECT count() AS n FROM events')).rows;
    expect(table).toEqual({ n: (all?.n ?? 0) - 2, hidden: 0 });
    expect(view).toEqual({ n: table?.['n'] });
  });

  test.each([
    'ingest_fence',
    'log_heads',
    'delivery_attempts',
    'operator_records',
    'operator_places',
    'operator_quarantine',
    'schema_migrations',
  ])('has no right to %s', async (table) => {
    expect(await ask(`SELECT * FROM ${table}`)).toMatchObject({ ok: false, code: accessDenied });
  });

  test('cannot write', async () => {
    for (const sql of [
      "INSERT INTO audit_events (tenant_id) SELECT 'acme'",
      'ALTER TABLE audit_events DELETE WHERE true',
      'TRUNCATE TABLE audit_events',
      'DROP VIEW events',
      'CREATE TABLE mine (a UInt8) ENGINE = Memory',
    ]) {
      const { ok, code } = await ask(sql);
      expect([sql, ok, [accessDenied, readonly, 392].includes(code) ? 'refused' : code]).toEqual([
        sql,
        false,
        'refused',
      ]);
    }
  });

  test.each([
    ['time', { max_execution_time: '0' }],
    ['more time', { max_execution_time: '301' }],
    ['memory', { max_memory_usage: '4000000001' }],
    ['rows read', { max_rows_to_read: '0' }],
    ['rows answered', { max_result_rows: '0' }],
    ['being a reader', { readonly: '0' }],
  ])('cannot lift the limit on %s', async (_, settings) => {
    const { ok, code } = await ask('SELECT count() FROM events', settings);
    expect([ok, [constraintViolated, readonly].includes(code)]).toEqual([false, true]);
  });

  test('is stopped at the limits', async () => {
    const endless =
      'SELECT sum(number) FROM (SELECT a.seq + b.seq + c.seq + d.seq + e.seq AS number FROM events AS a, events AS b, events AS c, events AS d, events AS e)';
    expect(await ask(endless, { max_execution_time: '0.3' })).toMatchObject({ ok: false, code: 159 });
    expect(await ask('SELECT seq FROM events', { max_rows_to_read: '3' })).toMatchObject({ ok: false, code: 158 });
    expect(await ask('SELECT seq FROM events', { max_result_rows: '3' })).toMatchObject({ ok: false, code: 396 });
  });

  test('has a quota', async () => {
    const quotas = await clickhouse.query<{ queries: number }>(
      "SELECT max_queries AS queries FROM system.quota_limits WHERE quota_name = 'docket_analyst' AND duration = 3600",
    );
    expect(quotas).toEqual([{ queries: 2_000 }]);
  });

  test('of one tenant sees that tenant alone (I5)', async () => {
    const tenants = 'SELECT groupUniqArray(tenant_id) AS tenants FROM';
    for (const table of ['events', 'audit_events']) {
      const one = await ask(`${tenants} ${table}`, {}, 'docket_analyst_acme');
      expect([table, one.rows]).toEqual([table, [{ tenants: ['acme'] }]]);
    }
    const [all] = (await ask(`${tenants} events`)).rows;
    expect(all?.['tenants']).toHaveLength(3);
  });
});

describe('deploy/clickhouse', () => {
  const sql = read('deploy/clickhouse/analysts.sql');
  const statements = sql
    .replaceAll(/^--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

  test('ClickHouse can read every statement of analysts.sql', async () => {
    expect(statements.length).toBeGreaterThan(7);
    for (const statement of statements) {
      await expect(clickhouse.query(`EXPLAIN AST ${statement}`)).resolves.not.toHaveLength(0);
    }
    await expect(clickhouse.query('EXPLAIN AST CREATE ROLE IF NOT EXISTS')).rejects.toThrow();
  });

  test('gives analysts the same columns and limits in every form', () => {
    const granted = (text: string): string[] =>
      [...text.matchAll(/SELECT\(([^)]*)\)/g)].map(([, columns = '']) => columns);
    const files = readdirSync(new URL('../../deploy/clickhouse/users.d/', import.meta.url)).filter((name) =>
      name.includes('analyst'),
    );
    const grants = [sql, ...files.map((name) => read(`deploy/clickhouse/users.d/${name}`))].flatMap(granted);
    expect(grants).toHaveLength(3);
    expect(new Set(grants).size).toBe(1);
    const xml = read('deploy/clickhouse/users.d/docket-analyst.xml');
    for (const [, name = '', value = ''] of sql.matchAll(/^ {2}(\w+) = (\d+)/gm))
      expect(xml).toContain(`<${name}>${value}</${name}>`);
    for (const name of ['queries', 'errors', 'read_rows', 'execution_time']) {
      const value = new RegExp(`(?:MAX|,) ${name} = (\\d+)`).exec(sql)?.[1];
      expect(xml).toContain(`<${name}>${value}</${name}>`);
    }
  });
});
