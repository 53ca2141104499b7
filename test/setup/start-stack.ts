import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StackError } from '@docket/local-stack';
import { compile } from './compile.ts';
import { stackForTests } from './stack-for-tests.ts';

/**
 * Gives the tests a real stack and its settings in process.env: the one that DOCKET_STACK_ENV_FILE names, else the one of `make stack` if it
 * answers, else one of their own with empty data, stopped after the last test. Rejects when there is none: a missing stack fails, it does not skip.
 */
export default async function startStackForTests(): Promise<void> {
  const state = stackForTests();
  if (state.isReady) return;
  await compile('deploy/local');
  const { defaultStackDir, findRunningStack, startStack } = await import('@docket/local-stack');
  const named = process.env['DOCKET_STACK_ENV_FILE'];
  let env: Readonly<Record<string, string>> | null = await findRunningStack(
    named ?? join(defaultStackDir(), 'stack.env'),
  );
  if (env === null && named !== undefined) {
    throw new Error(`No stack answers at the addresses in ${named} (DOCKET_STACK_ENV_FILE).`);
  }
  if (env === null) {
    const report = (line: string) => process.stderr.write(`${line}\n`);
    state.started = await startStack({ dir: defaultStackDir(), fresh: true, report });
    void state.started.failed.then(tellFailure);
    env = state.started.env;
  }
  Object.assign(process.env, env);
  // Where tests note the processes that they start; see stop-stack.ts.
  process.env['DOCKET_TEST_PROCESSES'] = mkdtempSync(join(tmpdir(), 'docket-test-processes-'));
  state.isReady = true;
}

function tellFailure(error: StackError): void {
  process.stderr.write(`${error.message}\n`);
}
