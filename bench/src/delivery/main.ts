// make bench-delivery: what delivery does how fast, and what receivers that hang, drip, fail or are gone do to the others. The receivers are a
// process of their own and share no code with the sender. Every scenario checks that each event was received, in order. Ends with one line
// RESULT {json}.
import { startStack } from '@docket/local-stack';
import { fileURLToPath } from 'node:url';
import { backlog } from './backlog.ts';
import { badEndpoints } from './bad-endpoints.ts';
import { deadSubscriptions } from './dead-subscriptions.ts';
import { fanOut } from './fan-out.ts';
import { batch, single } from './healthy.ts';
import { outage } from './outage.ts';
import type { Figures, Scenario } from './scenario.ts';

const scenarios: readonly Scenario[] = [single, batch, badEndpoints, deadSubscriptions, backlog, fanOut, outage];
const scale = Number(process.env['BENCH_SCALE'] ?? 1);
const asked = process.env['BENCH_SCENARIOS']?.split(',') ?? scenarios.map(({ name }) => name);
const unknown = asked.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0)
  throw new Error(`no scenario ${unknown.join(', ')}; there are ${scenarios.map(({ name }) => name).join(', ')}`);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const dir = fileURLToPath(new URL('../../../.local', import.meta.url));
const stack = await startStack({ dir, fresh: true, quickStart: false, report: say });
try {
  Object.assign(process.env, stack.env);
  const figures: Figures = { scale };
  for (const scenario of scenarios.filter(({ name }) => asked.includes(name))) {
    Object.assign(figures, await scenario.run({ say, scale }));
  }
  say(`RESULT ${JSON.stringify(figures)}`);
} finally {
  await stack.stop();
}
