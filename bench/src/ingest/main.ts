// make bench-ingest: drains one preloaded topic through Docket's ingestor, ClickHouse's own Kafka engine and a plain loop, one
// after another in one run, on one machine. Ends with one line RESULT {json}.
import { startStack } from '@docket/local-stack';
import { createWorld, eventually, runDocket, type World } from '@docket/testkit';
import { fileURLToPath } from 'node:url';
import { docketIngestor, drain, plainLoop, type DrainResult } from './drain.ts';
import { measureFreshness } from './freshness.ts';
import { kafkaEngine } from './kafka-engine.ts';
import { preload } from './workload.ts';

const events = Number(process.env['BENCH_EVENTS'] ?? 2_000_000);
const tenants = 200;
const partitions = 4;
const freshnessSeconds = Number(process.env['BENCH_FRESHNESS_SECONDS'] ?? 30);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const dir = fileURLToPath(new URL('../../../.local', import.meta.url));
const stack = await startStack({ dir, fresh: true, quickStart: false, report: say });
try {
  Object.assign(process.env, stack.env);
  const world = await createWorld({ partitions });
  const servers = new Map([
    ['kafka', stack.kafka.pid() ?? 0],
    ['clickhouse', stack.clickhouse.pid() ?? 0],
  ]);
  say(`preloading ${events} events of ${tenants} tenants into ${partitions} partitions`);
  const bytes = await preload(world, events, tenants);
  say(`a value has ${bytes.toFixed(0)} bytes on average`);

  const results: DrainResult[] = [];
  for (const contender of [docketIngestor(world), kafkaEngine(world), plainLoop(world)]) {
    await untilMerged(world);
    const result = await drain(world, contender, servers, events);
    results.push(result);
    say(lineOf(result));
  }
  // It recomputes every row: some minutes for two millions.
  const verified = await runDocket(['verify'], world.env, 120_000 + events);
  say(verified.output.split('\n').at(-1) ?? '');
  const [ours, engine, loop] = results;
  if (ours === undefined || engine === undefined || loop === undefined) throw new Error('a contender is missing');
  const steady = await measureFreshness(world, 1_000, freshnessSeconds);
  const half = await measureFreshness(world, Math.floor(ours.rowsPerSecond / 2), freshnessSeconds);
  for (const one of [steady, half]) {
    say(
      `freshness at ${one.eventsPerSecond}/s (${one.acknowledgedPerSecond.toFixed(0)}/s acknowledged, ${one.samples} probes): p50 ${one.p50Ms.toFixed(0)} ms, p99 ${one.p99Ms.toFixed(0)} ms`,
    );
  }
  say(
    `RESULT ${JSON.stringify({
      events,
      value_bytes_mean: Math.round(bytes),
      ...Object.assign({}, ...results.map(flat)),
      rows_per_second_vs_kafka_engine: rounded(ours.rowsPerSecond / engine.rowsPerSecond),
      rows_per_second_vs_plain_loop: rounded(ours.rowsPerSecond / loop.rowsPerSecond),
      cpu_vs_kafka_engine: rounded(ours.cpuPerMillionTotal / engine.cpuPerMillionTotal),
      freshness_1000_p50_ms: Math.round(steady.p50Ms),
      freshness_1000_p99_ms: Math.round(steady.p99Ms),
      freshness_half_events_per_second: Math.round(half.acknowledgedPerSecond),
      freshness_half_p50_ms: Math.round(half.p50Ms),
      freshness_half_p99_ms: Math.round(half.p99Ms),
      verify_ok: verified.code === 0,
    })}`,
  );
  await world.close();
} finally {
  await stack.stop();
}

/** Nobody pays for the merges of the one before. */
async function untilMerged({ clickhouse }: World): Promise<void> {
  const sql = 'SELECT count() AS n FROM system.merges';
  const isQuiet = async (): Promise<boolean> => (await clickhouse.query<{ n: number }>(sql))[0]?.n === 0;
  await eventually(isQuiet, { what: 'the end of all merges', deadlineMs: 120_000, intervalMs: 500 });
}

function lineOf(result: DrainResult): string {
  const cpu = Object.entries(result.cpuPerMillion).map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`);
  const rss = Object.entries(result.rssMiBPeak).map(([name, mib]) => `${name} ${mib.toFixed(0)}`);
  return `${result.name}: ${result.rowsPerSecond.toFixed(0)} rows/s, ${result.cpuPerMillionTotal.toFixed(1)} CPU-s per 1 M rows (${cpu.join(', ')}), peak RSS in MiB: ${rss.join(', ')}${result.rowsDoubled === 0 ? '' : `; ${result.rowsDoubled} rows doubled`}`;
}

function flat(result: DrainResult): Record<string, number> {
  const { name } = result;
  return {
    [`${name}_rows_per_second`]: Math.round(result.rowsPerSecond),
    [`${name}_rows_doubled`]: result.rowsDoubled,
    [`${name}_cpu_seconds_per_million`]: rounded(result.cpuPerMillionTotal),
    ...(result.rssMiBPeak[name] === undefined ? {} : { [`${name}_rss_mib_peak`]: Math.round(result.rssMiBPeak[name]) }),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
