import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@docket/testkit';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createProcessGuard } from '../src/process-guard.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'docket-guard-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function startGroup() {
  // A shell with a child of its own: the whole group must go.
  const child = spawn('/bin/sh', ['-c', 'sleep 60 & wait'], { detached: true, stdio: 'ignore' });
  const { pid } = child;
  if (pid === undefined) throw new Error('no process');
  return { pid, gone: new Promise<string | null>((resolve) => child.once('exit', (_, signal) => resolve(signal))) };
}

test('when the pipe to the guard ends, watched groups are killed and stack.env is removed; unwatched ones live', async () => {
  const envFile = join(dir, 'stack.env');
  writeFileSync(envFile, 'A=1\n');
  const guard = createProcessGuard({ envFile, scratchDir: null });
  const [watched, released] = [startGroup(), startGroup()];
  guard.watch(watched.pid);
  guard.watch(released.pid);
  guard.unwatch(released.pid);
  guard.close();
  expect(await watched.gone).toBe('SIGKILL');
  expect(() => process.kill(released.pid, 0)).not.toThrow();
  process.kill(-released.pid, 'SIGTERM');
  expect(await released.gone).toBe('SIGTERM');
  // The guard removes the file after its kills, so the groups' end may be seen first.
  await eventually(() => !existsSync(envFile), { what: 'the removal of stack.env' });
});
