import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { clickhouseMigrationsDirectory } from '@docket/schemas';
import { createClickHouse, migrate, pendingMigrations, type ClickHouseConfig } from '../src/index.ts';
import { emptyDatabaseConfig } from './test-database.ts';

const run = promisify(execFile);
/** The built package: what a process of its own runs. */
const built = new URL('../dist/index.js', import.meta.url).href;

let config: ClickHouseConfig;
let directory: string;

beforeEach(async () => {
  config = emptyDatabaseConfig();
  directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  await cp(clickhouseMigrationsDirectory, directory, { recursive: true });
});

afterEach(async () => {
  await withDatabase((clickhouse) => clickhouse.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase} SYNC`));
  await rm(directory, { recursive: true });
});

async function withDatabase<T>(
  work: (clickhouse: ReturnType<typeof createClickHouse>) => Promise<T>,
  database = 'default',
): Promise<T> {
  const clickhouse = createClickHouse({ ...config, clickhouseDatabase: database });
  try {
    return await work(clickhouse);
  } finally {
    await clickhouse.close();
  }
}

/** Migrates in a process of its own. */
async function migrateElsewhere(): Promise<{ applied: string[] }> {
  const script = `
    const { migrate } = await import(${JSON.stringify(built)});
    const report = await migrate(JSON.parse(process.env.CONFIG), { directory: process.env.DIRECTORY });
    console.log(JSON.stringify(report));`;
  const env = { ...process.env, NODE_OPTIONS: '', CONFIG: JSON.stringify(config), DIRECTORY: directory };
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env });
  // Our own script's answer.
  return JSON.parse(stdout) as { applied: string[] };
}

const tables = (): Promise<{ name: string }[]> =>
  withDatabase(
    (clickhouse) => clickhouse.query('SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name'),
    config.clickhouseDatabase,
  );

/** Tables and views, in the order of their names. */
const tableNames = [
  'audit_events',
  'delivery_attempts',
  'events',
  'export_claims',
  'exports',
  'ingest_fence',
  'log_heads',
  'operator_places',
  'operator_quarantine',
  'operator_records',
  'schema_migrations',
  'source_counters',
  'source_positions',
];

describe('migrate', () => {
  test('makes the database and all tables; a second run finds nothing to do', async () => {
    const first = await migrate(config, { directory });
    expect(first.applied).toContain('audit_events');
    expect(await migrate(config, { directory })).toEqual({
      applied: [],
      alreadyApplied: first.applied.length,
      unknown: [],
    });
    expect((await tables()).map(({ name }) => name)).toEqual(tableNames);
  });

  test('two processes at once both succeed, and so does a third', async () => {
    const reports = await Promise.all([migrateElsewhere(), migrateElsewhere(), migrateElsewhere()]);
    expect(reports.some(({ applied }) => applied.includes('audit_events'))).toBe(true);
    expect((await migrate(config, { directory })).applied).toEqual([]);
    expect((await tables()).map(({ name }) => name)).toEqual(tableNames);
  }, 60_000);

  test('takes up where an earlier run has stopped', async () => {
    const file = join(directory, '000099_broken.sql');
    await writeFile(
      file,
      'CREATE TABLE IF NOT EXISTS extra (a String) ENGINE = MergeTree ORDER BY a;\nCREATE TABLE IF NOT EXISTS worse (a Nonsense) ENGINE = Memory;\n',
    );
    await expect(migrate(config, { directory })).rejects.toMatchObject({ name: 'ClickHouseError', code: 50 });
    await writeFile(file, 'CREATE TABLE IF NOT EXISTS extra (a String) ENGINE = MergeTree ORDER BY a;\n');
    expect((await migrate(config, { directory })).applied).toEqual(['broken']);
  });

  test('refuses an applied file that has changed, and says what to do', async () => {
    await migrate(config, { directory });
    const file = join(directory, '000003_ingest_positions.sql');
    await writeFile(file, `${await readFile(file, 'utf8')}\n-- changed\n`);
    await expect(migrate(config, { directory })).rejects.toThrow(
      /^migration 000003_ingest_positions was applied with another text .* restore the file/,
    );
  });

  test('leaves what a newer release has applied', async () => {
    const file = join(directory, '000099_newer.sql');
    await writeFile(file, 'CREATE TABLE IF NOT EXISTS newer (a String) ENGINE = MergeTree ORDER BY a;\n');
    await migrate(config, { directory });
    expect(await migrate(config, { directory: clickhouseMigrationsDirectory })).toMatchObject({
      applied: [],
      unknown: ['newer'],
    });
  });
});

test('pendingMigrations names what the database lacks', async () => {
  await migrate(config, { directory });
  await writeFile(
    join(directory, '000099_newer.sql'),
    'CREATE TABLE IF NOT EXISTS newer (a String) ENGINE = MergeTree ORDER BY a;\n',
  );
  await withDatabase(async (clickhouse) => {
    expect(await pendingMigrations(clickhouse, { directory: clickhouseMigrationsDirectory })).toEqual([]);
    expect(await pendingMigrations(clickhouse, { directory })).toEqual(['newer']);
  }, config.clickhouseDatabase);
});
