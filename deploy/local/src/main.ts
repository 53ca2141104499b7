/**
 * `make stack`: starts the stack, keeps it up, stops it on Ctrl-C or SIGTERM. Exit code 0 after such a stop, 1 with one line on any failure.
 * Settings: KAFKA_PORT, SCHEMA_REGISTRY_PORT, CLICKHOUSE_PORT (default: free ports), DOCKET_STACK_DIR (default .local of this checkout),
 * STACK_FREE_MB_MIN. `--fresh` uses empty data that is removed at the end.
 */
import { StackError } from './problem-policy.ts';
import { defaultStackDir } from './layout.ts';
import { startStack } from './stack.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A second request means now: the guard kills what is left.
      if (interrupt.signal.aborted) process.exit(1);
      interrupt.abort();
    });
  }
  const startedAt = Date.now();
  const freeMegabytesMin = numberOf('STACK_FREE_MB_MIN');
  const stack = await startStack({
    dir: process.env['DOCKET_STACK_DIR'] ?? defaultStackDir(),
    ports: {
      kafka: numberOf('KAFKA_PORT'),
      registry: numberOf('SCHEMA_REGISTRY_PORT'),
      clickhouse: numberOf('CLICKHOUSE_PORT'),
    },
    fresh: process.argv.includes('--fresh'),
    report: say,
    signal: interrupt.signal,
    freeBytesMin: freeMegabytesMin === undefined ? undefined : freeMegabytesMin * 1_000_000,
  });
  say(
    `The stack is up after ${((Date.now() - startedAt) / 1000).toFixed(1)} s. Settings: ${stack.envFile}. Ctrl-C stops it.`,
  );
  const interrupted = new Promise<null>((resolve) => {
    interrupt.signal.addEventListener('abort', () => resolve(null), { once: true });
    if (interrupt.signal.aborted) resolve(null);
  });
  const failure = await Promise.race([stack.failed, interrupted]);
  if (failure !== null) process.stderr.write(`${failure.message}\n`);
  await stack.stop();
  say('The stack is stopped.');
  return failure === null ? 0 : 1;
}

function numberOf(setting: string): number | undefined {
  const value = process.env[setting];
  if (value === undefined || value === '') return undefined;
  if (!/^\d+$/.test(value))
    throw new StackError({ kind: 'setting-invalid', setting, value, expected: 'a whole number' });
  return Number(value);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
