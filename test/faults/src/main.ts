/**
 * `make test-faults`: real processes, really killed. `node main.js [NAME…]` runs the named cases, or all of them, one after another on one
 * stack of its own, and ends with a table and "N passed, N failed". Exit code 1 when a case failed.
 */
import { startStack } from '@docket/local-stack';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allCases } from './all-cases.ts';
import { reasonOf, type FaultRow } from './fault-case.ts';
import { endIngestors } from './ingestor.ts';
import { tableOf } from './table-mapper.ts';

/** A case takes minutes; one that hangs must not hang the run. */
const caseDeadlineMs = 20 * 60_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !allCases.some((one) => one.name === name));
if (unknown.length > 0)
  throw new Error(`no case ${unknown.join(', ')}; there are ${allCases.map((one) => one.name).join(', ')}`);
const cases = allCases.filter(({ name }) => asked.length === 0 || asked.includes(name));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // The guards of stack and services kill what is left.
  process.on(signal, () => process.exit(1));
}

const dir = fileURLToPath(new URL('../../../.local', import.meta.url));
const results = join(dir, 'test-results');
const stack = await startStack({ dir, fresh: true, quickStart: false, report: say });
Object.assign(process.env, stack.env);
const rows: FaultRow[] = [];
const failed: string[] = [];
try {
  for (const one of cases) {
    say(`\n=== ${one.name}: ${one.promise}`);
    const beganAtMs = performance.now();
    try {
      const context = { stack, say, row: (row: FaultRow) => void rows.push(row) };
      await within(one.run(context));
      say(`PASS ${one.name} (${((performance.now() - beganAtMs) / 1000).toFixed(0)} s)`);
    } catch (error) {
      failed.push(one.name);
      say(`FAIL ${one.name}: ${reasonOf(error)}`);
      keepLogs(one.name, await endIngestors());
    }
    await healStack();
  }
} finally {
  await stack.stop();
}
say('');
for (const line of tableOf(rows)) say(line);
say(
  `\n${cases.length - failed.length} passed, ${failed.length} failed${failed.length === 0 ? '' : `: ${failed.join(', ')}`}`,
);
process.exit(failed.length === 0 ? 0 : 1);

async function within(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${caseDeadlineMs / 60_000} minutes`)), caseDeadlineMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function keepLogs(name: string, logs: readonly string[]): void {
  mkdirSync(results, { recursive: true });
  for (const [index, log] of logs.entries()) {
    const file = join(results, `faults-${name}-${index}.log`);
    writeFileSync(file, log);
    say(`  the log of an ingestor that was running: ${file}`);
  }
}

/** A case that failed half-way may have left a server down or asleep. */
async function healStack(): Promise<void> {
  for (const server of [stack.kafka, stack.registry, stack.clickhouse]) {
    server.resume();
    if (server.pid() === null) await server.start();
  }
}
