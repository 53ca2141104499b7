import { createClickHouse, migrate, type ClickHouse, type ClickHouseConfig } from '@docket/clickhouse';
import { eventually } from '@docket/testkit';
import { clickhouseMigrationsDirectory } from '@docket/schemas';
import { planRuns, slicesCount, type PlannedRun, type PlannedTenant } from './log-plan.ts';
import { insertSliceSql } from './row-sql.ts';

const fillDeadlineMs = 600_000;
/** One statement writes the whole long log, and says nothing until its end. */
const longFillDeadlineMs = 1_800_000;
const runsOfInsert = 10_000;

/** A filled log, in a database of its own. */
export interface FilledLog {
  readonly database: string;
  readonly clickhouse: ClickHouse;
  /** Whose rows they are: the largest tenant first. */
  readonly tenants: readonly PlannedTenant[];
  readonly rows: number;
}

/** Databases in which the local stack's users have their rights; no test world takes them, because they are there. */
export const largeDatabase = 'test_99';
export const peerDatabase = 'test_98';
const longDatabase = 'test_97';

/** A database with generated rows of these tenants; one that has them already is used again. They keep I2 and I3, which is checked. */
export async function fillLog(
  config: ClickHouseConfig,
  database: string,
  tenants: readonly PlannedTenant[],
  say: (line: string) => void,
): Promise<FilledLog> {
  const own = { ...config, clickhouseDatabase: database };
  await migrate(own, { directory: clickhouseMigrationsDirectory });
  // A statement that fills says nothing until its end.
  const clickhouse = createClickHouse(own, { silenceMs: fillDeadlineMs });
  const runs = planRuns(tenants);
  const planned = runs.reduce((sum, run) => sum + run.run_rows, 0);
  if ((await countRows(clickhouse)) !== planned) {
    await clickhouse.command('TRUNCATE TABLE audit_events');
    await storeRuns(clickhouse, runs);
    const beganAtMs = performance.now();
    const end = Date.now() * 1_000;
    for (let slice = 0; slice < slicesCount; slice += 1) {
      const settings = { max_insert_threads: 1, min_insert_block_size_rows: 1_000_000, min_insert_block_size_bytes: 0 };
      await clickhouse.command(insertSliceSql, { end, slice }, { deadlineMs: fillDeadlineMs, settings });
    }
    say(`filled ${planned} rows in ${Math.round((performance.now() - beganAtMs) / 1000)} s`);
  }
  await checkInvariants(clickhouse, planned);
  await waitForMerges(clickhouse);
  return { database, clickhouse, tenants, rows: planned };
}

/** One log of `rows` rows, those of another database, for what is asked of a single log this long; one that is there is used again. */
export async function fillLongLog(
  config: ClickHouseConfig,
  from: FilledLog,
  rows: number,
): Promise<{ readonly database: string; readonly tenantId: string; readonly rows: number }> {
  const own = { ...config, clickhouseDatabase: longDatabase };
  await migrate(own, { directory: clickhouseMigrationsDirectory });
  const clickhouse = createClickHouse(own, { silenceMs: longFillDeadlineMs });
  const tenantId = 'long';
  if ((await countRows(clickhouse)) !== rows) {
    await clickhouse.command('TRUNCATE TABLE audit_events');
    const number = 'toUInt64(rowNumberInAllBlocks())';
    const source = `SELECT * REPLACE ({tenantId:String} AS tenant_id, ${number} + 1 AS seq, 0 AS src_partition, ${number} AS src_offset)
      FROM ${from.database}.audit_events LIMIT {rows:UInt64}`;
    const settings = { max_threads: 1, max_insert_threads: 1 };
    const options = { deadlineMs: longFillDeadlineMs, settings };
    await clickhouse.command(`INSERT INTO audit_events ${source}`, { tenantId, rows }, options);
  }
  await waitForMerges(clickhouse);
  await clickhouse.close();
  return { database: longDatabase, tenantId, rows };
}

async function storeRuns(clickhouse: ClickHouse, runs: readonly PlannedRun[]): Promise<void> {
  await clickhouse.command('DROP TABLE IF EXISTS bench_runs SYNC');
  await clickhouse.command(`CREATE TABLE bench_runs (
    tenant_id String, tenant_number UInt32, slice UInt16, src_partition UInt16, seq_from UInt64, run_rows UInt32,
    offset_from UInt64, tenant_rows UInt64, actors UInt32
  ) ENGINE = MergeTree ORDER BY (slice, tenant_number)`);
  for (let at = 0; at < runs.length; at += runsOfInsert) {
    const lines = runs.slice(at, at + runsOfInsert).map((run) => JSON.stringify(run));
    const outcome = await clickhouse.send('INSERT INTO bench_runs FORMAT JSONEachRow', [Buffer.from(lines.join('\n'))]);
    if (!outcome.ok) throw new Error(outcome.message);
  }
}

async function countRows(clickhouse: ClickHouse): Promise<number> {
  return (await clickhouse.query<{ n: number }>('SELECT count() AS n FROM audit_events'))[0]?.n ?? 0;
}

/** I2, I3: each log is 1..n and each partition's offsets are 0..m, without hole or repeat. */
async function checkInvariants(clickhouse: ClickHouse, rows: number): Promise<void> {
  const dense = (by: string, value: string, first: number): string =>
    `SELECT sum(n) AS total, countIf(least != ${first} OR greatest != n - 1 + ${first} OR different != n) AS broken FROM (
      SELECT ${by}, count() AS n, min(${value}) AS least, max(${value}) AS greatest, uniqExact(${value}) AS different
      FROM audit_events GROUP BY ${by})`;
  for (const sql of [dense('tenant_id', 'seq', 1), dense('src_partition', 'src_offset', 0)]) {
    const [found] = await clickhouse.query<{ total: number; broken: number }>(sql, {}, { deadlineMs: fillDeadlineMs });
    if (found?.total !== rows || found.broken !== 0) throw new Error(`the log is not whole: ${JSON.stringify(found)}`);
  }
}

/** Merges that run would be measured with; what is left is the state that a log of this size is in. */
async function waitForMerges(clickhouse: ClickHouse): Promise<void> {
  const isQuiet = async (): Promise<boolean> =>
    (await clickhouse.query<{ n: number }>('SELECT count() AS n FROM system.merges'))[0]?.n === 0;
  await eventually(async () => (await isQuiet()) && isQuiet(), {
    what: 'the end of merges',
    deadlineMs: fillDeadlineMs,
  });
}

/** Parts and bytes of the log's table. */
export async function describeTable(clickhouse: ClickHouse): Promise<{ parts: number; bytesPerRow: number }> {
  const [found] = await clickhouse.query<{ parts: number; bytes_per_row: number }>(
    `SELECT count() AS parts, sum(bytes_on_disk) / sum(rows) AS bytes_per_row FROM system.parts
     WHERE active AND database = currentDatabase() AND table = 'audit_events'`,
  );
  return { parts: found?.parts ?? 0, bytesPerRow: found?.bytes_per_row ?? 0 };
}
