// make bench-query: what the query service answers how fast, on a log of 20 M rows of 1,000 tenants; the same questions to
// PostgreSQL on equal rows; and under 20 readers at once while the ingestor writes 5,000 events a second. Ends with one line
// RESULT {json}. The filled databases stay in .local/bench-query for the next run.
import { clickhouseSettings, createClickHouse } from '@docket/clickhouse';
import { startStack } from '@docket/local-stack';
import { readSettings } from '@docket/runtime';
import { createWorld, type World } from '@docket/testkit';
import { mkdirSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomFrom } from '../ingest/workload.ts';
import { timeAnalysts } from './analysts.ts';
import { askUnderLoad } from './ask-under-load.ts';
import { findDeepPages } from './deep-pages.ts';
import { exportLog, type ExportResult } from './exports.ts';
import { describeTable, fillLog, fillLongLog, largeDatabase, peerDatabase, type FilledLog } from './fill-log.ts';
import { planTenants } from './log-plan.ts';
import { timeEach, type Times } from './measure.ts';
import { copyLog } from './postgres-log.ts';
import { startPostgres } from './postgres-server.ts';
import { questions } from './questions.ts';
import { startReader, type Reader } from './reader.ts';
import { readSubjects, type Subjects } from './subjects.ts';

const rows = Number(process.env['BENCH_ROWS'] ?? 20_000_000);
const peerRows = Number(process.env['BENCH_PEER_ROWS'] ?? 2_000_000);
const requests = Number(process.env['BENCH_REQUESTS'] ?? 100);
/** Of the one export whose memory is watched. */
const longExportRows = Number(process.env['BENCH_LONG_EXPORT_ROWS'] ?? 10_000_000);
/** Pages whose cursors are found beforehand. */
const deepPages = 10;
const loadSeconds = Number(process.env['BENCH_LOAD_SECONDS'] ?? 30);
/** Only fills the databases, which takes minutes, so that a later run only measures. */
const fillsOnly = process.env['BENCH_FILL_ONLY'] === '1';
/** What is measured or filled for it, all of it by default: a machine that others use too may be had for some minutes at a time only. */
const measured = (process.env['BENCH_PARTS'] ?? 'peer questions exports long-export load').split(' ');

const asksLargeLog = measured.some((part) => part !== 'peer');

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const local = fileURLToPath(new URL('../../../.local', import.meta.url));
/** Where the filled databases are kept: some 10 GB, and 2.5 GB for each million rows of the peer. */
const dir = process.env['BENCH_DIR'] ?? join(local, 'bench-query');
mkdirSync(dir, { recursive: true });
// What is downloaded for the stack of this checkout serves here too.
mkdirSync(join(local, 'artifacts'), { recursive: true });
if (!existsSync(join(dir, 'artifacts'))) symlinkSync(join(local, 'artifacts'), join(dir, 'artifacts'));

type Result = Record<string, number | string>;
const rounded = (value: number): number => Math.round(value * 10) / 10;
const flat = (name: string, { p50, p99 }: Times): Result => ({
  [`${name}_p50_ms`]: rounded(p50),
  [`${name}_p99_ms`]: rounded(p99),
});
const shown = ({ p50, p99 }: Times): string =>
  `p50 ${p50.toFixed(1).padStart(7)}  p99 ${p99.toFixed(1).padStart(7)} ms`;

const stack = await startStack({ dir, quickStart: false, report: say });
const config = readSettings(clickhouseSettings, { ...stack.env });
let world: World | undefined;
try {
  Object.assign(process.env, stack.env);
  const large = asksLargeLog ? await fillLog(config, largeDatabase, planTenants(rows), say) : undefined;
  world = fillsOnly ? undefined : await createWorld();
  const peer = measured.includes('peer') ? await fillAndComparePeer(world) : {};
  if (world === undefined) say('filled');
  else {
    const ours = large === undefined ? {} : await measureLarge(world, large);
    say(`RESULT ${JSON.stringify({ requests, ...ours, ...peer })}`);
  }
  await large?.clickhouse.close();
} finally {
  await world?.close();
  await stack.stop();
}

/** Equal rows in both, and the questions asked of both, if there is a world for it. */
async function fillAndComparePeer(inWorld: World | undefined): Promise<Result> {
  const log = await fillLog(config, peerDatabase, planTenants(peerRows), say);
  const postgres = await startPostgres(join(dir, 'postgres'));
  try {
    await copyLog(postgres, log, say);
    const compared = inWorld === undefined ? {} : await comparePeer(inWorld, log, postgres.pool);
    return { peer_rows: log.rows, postgres: postgres.version, ...compared };
  } finally {
    await postgres.stop();
    await log.clickhouse.close();
  }
}

/** Each question about the largest tenant and about any of the thousand, in turn. */
async function askAll(reader: Reader, subjects: Subjects): Promise<Map<string, Times>> {
  const times = new Map<string, Times>();
  for (const question of questions) {
    for (const kind of ['any', 'largest'] as const) {
      const asked = await timeEach((index) => reader.get(question.path(subjects[kind](index))), requests);
      times.set(`${question.name}_${kind}`, asked);
      say(`${`${question.name}, ${kind}`.padEnd(34)} ${shown(asked)}`);
    }
  }
  return times;
}

async function measureLarge(inWorld: World, log: FilledLog): Promise<Result> {
  const { parts, bytesPerRow } = await describeTable(log.clickhouse);
  say(`${log.rows} rows, ${parts} parts, ${bytesPerRow.toFixed(0)} bytes a row on disk`);
  const subjects = await readSubjects(log, randomFrom(1));
  const reader = await startReader(inWorld, log.database);
  try {
    const result: Result = { rows: log.rows, parts, bytes_per_row: Math.round(bytesPerRow) };
    if (measured.includes('questions')) Object.assign(result, await measureQuestions(reader, subjects, log.database));
    if (measured.includes('exports')) Object.assign(result, await measureExports(reader, subjects));
    if (measured.includes('load')) Object.assign(result, await measureLoad({ world: inWorld, log, reader, subjects }));
    if (measured.includes('long-export')) Object.assign(result, await measureLongExport(inWorld, log));
    return result;
  } finally {
    await reader.stop();
  }
}

async function measureQuestions(reader: Reader, subjects: Subjects, database: string): Promise<Result> {
  const result: Result = {};
  for (const [name, times] of await askAll(reader, subjects)) Object.assign(result, flat(name, times));
  for (const kind of ['any', 'largest'] as const) {
    const paths = await findDeepPages(
      reader,
      Array.from({ length: deepPages }, (_, index) => subjects[kind](index)),
    );
    const times = await timeEach((index) => reader.get(paths[index % deepPages] ?? ''), requests);
    say(`${`deep_page_by_cursor, ${kind}`.padEnd(34)} ${shown(times)}`);
    Object.assign(result, flat(`deep_page_by_cursor_${kind}`, times));
  }
  const analyst = createClickHouse({
    ...config,
    clickhouseUser: stack.env.CLICKHOUSE_ANALYST_USER,
    clickhousePassword: stack.env.CLICKHOUSE_ANALYST_PASSWORD,
    clickhouseDatabase: database,
  });
  const analysts = await timeAnalysts(analyst, subjects.end);
  await analyst.close();
  for (const [name, times] of analysts) {
    say(`${name.padEnd(34)} ${shown(times)}`);
    Object.assign(result, flat(name, times));
  }
  return result;
}

function saidOf(name: string, done: ExportResult): Result {
  const { rowsPerSecond, bytes, rssMiBLeast, rssMiBPeak, queryMicros, clickhouseMicros } = done;
  say(
    `${name}: ${rowsPerSecond.toFixed(0)} rows/s, ${bytes} bytes, query's RSS ${rssMiBLeast.toFixed(0)}-${rssMiBPeak.toFixed(0)} MiB, CPU µs a row: query ${queryMicros.toFixed(1)}, ClickHouse ${clickhouseMicros.toFixed(1)}`,
  );
  return {
    [`${name}_rows_per_second`]: Math.round(rowsPerSecond),
    [`${name}_rss_mib_least`]: Math.round(rssMiBLeast),
    [`${name}_rss_mib_peak`]: Math.round(rssMiBPeak),
    [`${name}_query_cpu_us_per_row`]: rounded(queryMicros),
    [`${name}_clickhouse_cpu_us_per_row`]: rounded(clickhouseMicros),
  };
}

async function measureExports(reader: Reader, subjects: Subjects): Promise<Result> {
  const result: Result = {};
  const exporting = { reader, clickhousePid: stack.clickhouse.pid() ?? 0 };
  for (const format of ['ndjson', 'csv', 'parquet']) {
    Object.assign(result, saidOf(`export_${format}`, await exportLog(exporting, subjects.largest(0), format)));
  }
  return result;
}

async function measureLongExport(inWorld: World, log: FilledLog): Promise<Result> {
  const long = await fillLongLog(config, log, longExportRows);
  const reader = await startReader(inWorld, long.database);
  try {
    const exporting = { reader, clickhousePid: stack.clickhouse.pid() ?? 0 };
    return saidOf(`export_${long.rows}_ndjson`, await exportLog(exporting, long, 'ndjson'));
  } finally {
    await reader.stop();
  }
}

async function measureLoad(asked: Omit<Parameters<typeof askUnderLoad>[0], 'seconds'>): Promise<Result> {
  const load = await askUnderLoad({ ...asked, seconds: loadSeconds });
  say(`20 readers, ingesting ${load.ingestedPerSecond.toFixed(0)}/s: ${load.answersPerSecond.toFixed(0)} answers/s`);
  const result: Result = {};
  for (const [name, times] of load.times) {
    say(`${`${name}, under load`.padEnd(34)} ${shown(times)}`);
    Object.assign(result, flat(`load_${name}`, times));
  }
  return {
    ...result,
    load_answers_per_second: rounded(load.answersPerSecond),
    load_ingested_per_second: Math.round(load.ingestedPerSecond),
  };
}

async function comparePeer(
  inWorld: World,
  log: FilledLog,
  pool: Awaited<ReturnType<typeof startPostgres>>['pool'],
): Promise<Result> {
  const subjects = await readSubjects(log, randomFrom(2));
  const reader = await startReader(inWorld, log.database);
  const result: Result = {};
  try {
    for (const { name, path, peer } of questions) {
      if (peer === undefined) continue;
      for (const kind of ['any', 'largest'] as const) {
        const ours = await timeEach((index) => reader.get(path(subjects[kind](index))), requests);
        const theirs = await timeEach(async (index) => {
          for (const { text, values } of peer(subjects[kind](index))) await pool.query(text, [...values]);
        }, requests);
        const ratio = theirs.p50 / ours.p50;
        say(
          `${`${name}, ${kind}, equal rows`.padEnd(44)} ${shown(ours)}   PostgreSQL ${shown(theirs)}   ${ratio.toFixed(1)}×`,
        );
        Object.assign(result, flat(`peer_${name}_${kind}_ours`, ours), flat(`peer_${name}_${kind}_postgres`, theirs));
        result[`peer_${name}_${kind}_ratio`] = rounded(ratio);
      }
    }
    return result;
  } finally {
    await reader.stop();
  }
}
