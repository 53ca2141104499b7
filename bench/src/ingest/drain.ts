import { eventually, startService, type World } from '@docket/testkit';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startMeter } from '../process-meter.ts';

export interface DrainResult {
  readonly name: string;
  /** Stored beyond one for each record. */
  readonly rowsDoubled: number;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  /** Processor seconds per million rows, by process. */
  readonly cpuPerMillion: Readonly<Record<string, number>>;
  readonly cpuPerMillionTotal: number;
  readonly rssMiBPeak: Readonly<Record<string, number>>;
}

/** A way from the events topic into ClickHouse. */
export interface Contender {
  readonly name: string;
  /** Whether it promises that no record becomes two rows. */
  readonly isExactlyOnce: boolean;
  /** Counts what can be queried by now. */
  countSql: string;
  /** Begins to drain; returns the process to watch beside Kafka and ClickHouse, if there is one. */
  start(): Promise<{ readonly pid: number | null; stop(): Promise<void> }>;
}

const drainDeadlineMs = 900_000;

/** Drains the topic from its beginning and measures until every row can be queried. Rejects when the count is not what the contender promises. */
export async function drain(
  world: World,
  contender: Contender,
  servers: ReadonlyMap<string, number>,
  rows: number,
): Promise<DrainResult> {
  const count = async (): Promise<number> =>
    (await world.clickhouse.query<{ n: number }>(contender.countSql))[0]?.n ?? 0;
  const beganAtMs = performance.now();
  const serverMeter = startMeter(servers);
  const running = await contender.start();
  const ownMeter = running.pid === null ? undefined : startMeter(new Map([[contender.name, running.pid]]));
  await eventually(async () => (await count()) >= rows, {
    what: `${contender.name}: ${rows} rows`,
    deadlineMs: drainDeadlineMs,
    intervalMs: 100,
  });
  const seconds = (performance.now() - beganAtMs) / 1000;
  const used = new Map([...serverMeter.stop(), ...(ownMeter?.stop() ?? [])]);
  await running.stop();
  const stored = await count();
  if (stored < rows || (contender.isExactlyOnce && stored > rows))
    throw new Error(`${contender.name} stored ${stored} rows of ${rows} records`);
  const perMillion = Object.fromEntries([...used].map(([name, { cpuSeconds }]) => [name, (cpuSeconds * 1e6) / rows]));
  return {
    name: contender.name,
    rowsDoubled: stored - rows,
    seconds,
    rowsPerSecond: rows / seconds,
    cpuPerMillion: perMillion,
    cpuPerMillionTotal: Object.values(perMillion).reduce((sum, one) => sum + one, 0),
    rssMiBPeak: Object.fromEntries([...used].map(([name, { rssBytesPeak }]) => [name, rssBytesPeak / 2 ** 20])),
  };
}

/** Our ingestor, as a user starts it. */
export function docketIngestor(world: World): Contender {
  return {
    name: 'docket',
    isExactlyOnce: true,
    countSql: 'SELECT count() AS n FROM audit_events',
    start: async () => {
      const ingestor = await startService('ingestor', world.env, { until: 'listening' });
      return { pid: ingestor.pid, stop: async () => void (await ingestor.stop()) };
    },
  };
}

/** What most teams write first: kafkajs, the registry client's decode, JSONEachRow. */
export function plainLoop(world: World): Contender {
  return {
    name: 'plain_loop',
    // A member that is late to its heartbeat is given its records again.
    isExactlyOnce: false,
    countSql: 'SELECT count() AS n FROM peer_loop',
    start: async () => {
      await world.clickhouse.command('CREATE TABLE peer_loop AS audit_events');
      const script = fileURLToPath(new URL('./plain-loop.js', import.meta.url));
      const env = { PATH: process.env['PATH'] ?? '', ...world.env, TOPIC: world.kafka.topics.events.name };
      const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'inherit', 'inherit'] });
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      return {
        pid: child.pid ?? null,
        stop: async () => {
          child.kill('SIGTERM');
          await ended;
        },
      };
    },
  };
}
