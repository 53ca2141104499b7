import { createDocket, type Docket } from '@docket/sdk';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { median } from '../query/measure.ts';
import { startProgram, type Program } from './program.ts';

const spoolEvents = 200_000;
/** Recorded at the same moment, as by requests that are handled at the same time. */
const together = 100;
const latencyRate = 1_000;
const latencySeconds = 10;
/** Not counted: an application that has just started compiles, whatever it does. */
const latencyWarmUpSeconds = 3;
/** Short ones, each of both modes one after the other: the machine is not equally fast for long. */
const appTurns = 30;
const appTurnMs = 1_000;
const appWarmUpMs = 3_000;
const modes = ['off', 'on'] as const;
type Mode = (typeof modes)[number];
/** What the application is busy with without the SDK. */
const aimedPerSecond = 200;
/** Of its work, before it is known how fast this machine is. */
const firstRounds = 5_000;
/** Few, so that the application is the bottleneck and no queue before it. */
const appConnections = 4;

const event = (n: number) => ({
  tenant_id: `t${n % 50}`,
  action: 'document.updated',
  actor: { type: 'user', id: `u_${n % 1000}`, name: 'Jane Doe' },
  resources: [{ type: 'document', id: `d_${n % 5000}`, name: 'Quarterly numbers' }],
  changes: [{ path: 'title', old: 'Numbers', new: 'Quarterly numbers' }],
  context: { ip: '203.0.113.7', user_agent: 'Mozilla/5.0 (X11; Linux x86_64)', request_id: `r_${n}` },
  metadata: { n, plan: 'pro' },
});

/**
 * What recording costs the application: `record()` while a receiver takes everything (latency at a steady rate, then as fast as it goes), and the
 * throughput of a small application that is busy with 200 actions a second, with and without recording each. The receiver is a process of its own that does
 * no more than answer: the gateway's price is another scenario's.
 */
export async function benchSdk(say: (line: string) => void): Promise<Record<string, number>> {
  const dir = await mkdtemp(join(tmpdir(), 'docket-bench-'));
  const receiver = await startProgram('receiver', {});
  try {
    const steady = await measureLatency(docketFor(receiver.url, join(dir, 'latency')), say);
    say(`record() at ${latencyRate}/s: p50 ${steady.p50Ms} ms, p99 ${steady.p99Ms} ms, max ${steady.maxMs} ms`);
    const flat = await measureThroughput(docketFor(receiver.url, join(dir, 'throughput')));
    say(
      `record() as fast as it goes, ${together} at a time: ${flat.eventsPerSecond} events/s into the spool, p99 ${flat.p99Ms} ms`,
    );
    const ratios = await measureApp(receiver, join(dir, 'app'), say);
    return {
      sdk_record_p50_ms: steady.p50Ms,
      sdk_record_p99_ms: steady.p99Ms,
      sdk_record_max_ms: steady.maxMs,
      sdk_spool_events_per_second: flat.eventsPerSecond,
      sdk_spool_record_p99_ms: flat.p99Ms,
      sdk_spool_cpu_us_per_event: flat.cpuUs,
      ...ratios,
    };
  } finally {
    await receiver.stop();
    await rm(dir, { recursive: true });
  }
}

function docketFor(url: string, dir: string): Docket {
  return createDocket({ url, key: 'dk_bench_secret', source: { service: 'bench' }, spool: { dir } });
}

async function timed(docket: Docket, n: number, samplesMs: number[]): Promise<void> {
  const atMs = performance.now();
  const outcome = await docket.record(event(n));
  if (!outcome.ok || outcome.kept !== 'disk') throw new Error(`not on disk: ${JSON.stringify(outcome)}`);
  samplesMs.push(performance.now() - atMs);
}

async function measureLatency(docket: Docket, say: (line: string) => void) {
  await docket.recordNow(event(0));
  const [coldMs, samplesMs]: [number[], number[]] = [[], []];
  const waiting: Promise<void>[] = [];
  const cold = latencyRate * latencyWarmUpSeconds;
  const beganAtMs = performance.now();
  for (let n = 1; n <= cold + latencyRate * latencySeconds; n += 1) {
    const aheadMs = (n / latencyRate) * 1000 - (performance.now() - beganAtMs);
    if (aheadMs > 0) await pause(aheadMs);
    waiting.push(timed(docket, n, n <= cold ? coldMs : samplesMs));
  }
  await Promise.all(waiting);
  await mustClose(docket);
  say(`record() in its first ${latencyWarmUpSeconds} s: p99 ${percentilesOf(coldMs).p99Ms} ms`);
  return percentilesOf(samplesMs);
}

async function measureThroughput(docket: Docket) {
  await docket.recordNow(event(0));
  const samplesMs: number[] = [];
  const before = process.cpuUsage();
  const beganAtMs = performance.now();
  for (let n = 0; n < spoolEvents; n += together) {
    const atMs = performance.now();
    const outcomes = await Promise.all(Array.from({ length: together }, (_, i) => docket.record(event(n + i))));
    samplesMs.push(performance.now() - atMs);
    if (!outcomes.every((outcome) => outcome.ok && outcome.kept === 'disk'))
      throw new Error('not everything is on disk');
  }
  const seconds = (performance.now() - beganAtMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  await mustClose(docket);
  return {
    eventsPerSecond: Math.round(spoolEvents / seconds),
    cpuUs: Math.round((user + system) / spoolEvents),
    ...percentilesOf(samplesMs),
  };
}

async function mustClose(docket: Docket): Promise<void> {
  const closed = await docket.close({ deadlineMs: 120_000 });
  if (!closed.ok) throw new Error(`not everything was sent: ${JSON.stringify(docket.stats())}`);
}

async function measureApp(
  receiver: Program,
  dir: string,
  say: (line: string) => void,
): Promise<Record<string, number>> {
  const start = (mode: Mode): Promise<Program> =>
    startProgram('app', { SDK: mode, DOCKET_URL: receiver.url, SPOOL_DIR: dir });
  const apps = { off: await start('off'), on: await start('on') };
  let rounds = firstRounds;
  // The machine changes its speed from one minute to the next: each turn does as much work an action as the one before it says.
  const keepRate = (perSecondOff: number): void => {
    rounds = Math.max(1, Math.round((rounds * perSecondOff) / aimedPerSecond));
  };
  // Compiled and connected before it is measured.
  await actionsPerSecond(apps.on.url, rounds, appWarmUpMs);
  keepRate(await actionsPerSecond(apps.off.url, rounds, appWarmUpMs));
  const perSecond = { on: [] as number[], off: [] as number[] };
  for (let turn = 1; turn <= appTurns; turn += 1) {
    for (const mode of turn % 2 === 0 ? modes : modes.toReversed())
      perSecond[mode].push(await actionsPerSecond(apps[mode].url, rounds, appTurnMs));
    keepRate(perSecond.off.at(-1) ?? aimedPerSecond);
  }
  await Promise.all(modes.map((mode) => apps[mode].stop()));
  const ratios = perSecond.on.map((on, turn) => on / (perSecond.off[turn] ?? on));
  const [off, on, ratio] = [median(perSecond.off), median(perSecond.on), median(ratios)];
  const [least, highest] = [Math.min(...perSecond.off), Math.max(...perSecond.off)];
  say(
    `${appTurns} turns: ${off.toFixed(1)} actions/s without (${least.toFixed(0)} to ${highest.toFixed(0)}), ${on.toFixed(1)} with the SDK; median of the turns' ratios ${ratio.toFixed(3)}`,
  );
  return {
    sdk_app_actions_per_second_off: Math.round(off),
    sdk_app_actions_per_second_on: Math.round(on),
    sdk_app_throughput_ratio: Math.round(ratio * 1000) / 1000,
  };
}

async function actionsPerSecond(url: string, rounds: number, ms: number): Promise<number> {
  let done = 0;
  const beganAtMs = performance.now();
  const act = async (): Promise<void> => {
    while (performance.now() < beganAtMs + ms) {
      const response = await fetch(`${url}/?rounds=${rounds}`, { method: 'POST' });
      await response.arrayBuffer();
      if (response.status !== 204) throw new Error(`the application answered ${response.status}`);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: appConnections }, act));
  return (done / (performance.now() - beganAtMs)) * 1000;
}

function percentilesOf(samplesMs: readonly number[]) {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    rounded(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
