import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createClickHouse, type ClickHouse } from './clickhouse-client.ts';
import { ClickHouseError } from './error-policy.ts';
import {
  orderMigrations,
  parseMigration,
  planMigrations,
  type AppliedMigration,
  type Migration,
  type MigrationPlan,
} from './migration-policy.ts';
import type { ClickHouseConfig } from './settings.ts';

/** DDL waits for running inserts and merges of its table. */
const statementDeadlineMs = 120_000;
const triesMax = 10;
const betweenTriesMs = 200;

/** Two runners at once meet in these; the statements are repeatable, so the loser tries again and finds it done. */
const collisionCodes: ReadonlySet<number> = new Set([
  57, // TABLE_ALREADY_EXISTS
  82, // DATABASE_ALREADY_EXISTS
  341, // UNFINISHED
  473, // DEADLOCK_AVOIDED
  517, // CANNOT_ASSIGN_ALTER
]);

export interface MigrationReport {
  /** Files that this run carried out; another run at the same time may have carried out the same. */
  readonly applied: readonly string[];
  readonly alreadyApplied: number;
  /** Applied here by a newer release. */
  readonly unknown: readonly string[];
}

/**
 * Creates the database and brings its tables to the state of the directory's files. Safe to run twice, by two processes
 * at once, and on a living system: every statement is repeatable, and a file is recorded after its last statement, so that
 * a crash repeats it. Throws when an applied file has changed since, when two runners had different files, or with a
 * ClickHouseError.
 */
export async function migrate(
  config: ClickHouseConfig,
  { directory }: { readonly directory: string },
): Promise<MigrationReport> {
  const migrations = await readMigrations(directory);
  await createDatabase(config);
  const clickhouse = createClickHouse(config);
  try {
    return await applyMigrations(clickhouse, migrations);
  } finally {
    await clickhouse.close();
  }
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql'));
  if (files.length === 0) throw new Error(`${directory} holds no migration`);
  return orderMigrations(
    await Promise.all(files.map(async (file) => parseMigration(file, await readFile(join(directory, file), 'utf8')))),
  );
}

/** A request that names a database which does not exist is refused, so this one names none. */
async function createDatabase(config: ClickHouseConfig): Promise<void> {
  const server = createClickHouse({ ...config, clickhouseDatabase: 'default' });
  try {
    await runStatement(server, 'CREATE DATABASE IF NOT EXISTS {database:Identifier}', {
      database: config.clickhouseDatabase,
    });
  } finally {
    await server.close();
  }
}

async function applyMigrations(clickhouse: ClickHouse, migrations: readonly Migration[]): Promise<MigrationReport> {
  // The first file holds the bookkeeping's own table and is repeatable like all.
  for (const statement of migrations[0]?.statements ?? []) await runStatement(clickhouse, statement);
  const plan = accepted(planMigrations(migrations, await readApplied(clickhouse)));
  for (const migration of plan.pending) {
    for (const statement of migration.statements) await runStatement(clickhouse, statement);
    await recordApplied(clickhouse, migration);
  }
  // Another runner with another text of the same file has recorded it by now, or will read our record.
  accepted(planMigrations(migrations, await readApplied(clickhouse)));
  return {
    applied: plan.pending.map(({ name }) => name),
    alreadyApplied: migrations.length - plan.pending.length,
    unknown: plan.unknown.map(({ name }) => name),
  };
}

function accepted(plan: MigrationPlan): Extract<MigrationPlan, { ok: true }> {
  if (plan.ok) return plan;
  throw new Error(plan.problem);
}

async function runStatement(clickhouse: ClickHouse, sql: string, params?: Record<string, unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await clickhouse.command(sql, params, { deadlineMs: statementDeadlineMs });
      return;
    } catch (error) {
      const isCollision = error instanceof ClickHouseError && collisionCodes.has(error.code);
      if (!isCollision || tries === triesMax) throw error;
    }
    await wait(betweenTriesMs);
  }
}

async function readApplied(clickhouse: ClickHouse): Promise<AppliedMigration[]> {
  return clickhouse.query<AppliedMigration>(
    'SELECT DISTINCT version, name, toString(checksum) AS checksum FROM schema_migrations ORDER BY version',
  );
}

async function recordApplied(clickhouse: ClickHouse, { version, name, checksum }: Migration): Promise<void> {
  await clickhouse.command(
    `INSERT INTO schema_migrations (version, name, checksum)
     SELECT {version:UInt32}, {name:String}, {checksum:String}`,
    { version, name, checksum },
    { settings: { async_insert: 0 } },
  );
}

/**
 * The versions that the directory has and the database lacks: what a service looks at before it is ready.
 * Throws ClickHouseError, also when the database does not exist.
 */
export async function pendingMigrations(
  clickhouse: ClickHouse,
  { directory }: { readonly directory: string },
): Promise<string[]> {
  const migrations = await readMigrations(directory);
  const done = new Set((await readApplied(clickhouse)).map(({ version }) => version));
  return migrations.filter(({ version }) => !done.has(version)).map(({ name }) => name);
}
