import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runLayout } from '../src/layout.ts';
import { identify } from '../src/process-identity.ts';
import { acquireRunLock, isRunLocked } from '../src/run-lock.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'docket-lock-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function writeLock(identity: { pid: number; born: string }): void {
  const { lockFile } = runLayout(root);
  mkdirSync(dirname(lockFile), { recursive: true });
  writeFileSync(lockFile, JSON.stringify(identity));
}

describe('acquireRunLock', () => {
  test('a second supervisor is refused, and may start after the first has released', async () => {
    const layout = runLayout(root);
    const lock = await acquireRunLock(layout);
    expect(isRunLocked(layout)).toBe(true);
    await expect(acquireRunLock(layout)).rejects.toThrow(`process ${process.pid}`);
    lock.release();
    expect(isRunLocked(layout)).toBe(false);
    (await acquireRunLock(layout)).release();
  });

  test('a lock whose process id now belongs to another process is taken over', async () => {
    writeLock({ pid: process.pid, born: 'another boot/1' });
    (await acquireRunLock(runLayout(root))).release();
  });

  test('of several that find a stale lock at once, exactly one wins', async () => {
    writeLock({ pid: process.pid, born: 'another boot/1' });
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => acquireRunLock(runLayout(root))));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('what a dead run left running is killed, a stranger with its process id is not', async () => {
    const layout = runLayout(root);
    const start = () => spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const [leftover, stranger] = [start(), start()];
    const gone = new Promise((resolve) => leftover.once('exit', (_, signal) => resolve(signal)));
    mkdirSync(dirname(layout.lockFile), { recursive: true });
    writeFileSync(layout.pidFile('kafka'), JSON.stringify(identify(leftover.pid ?? 0)));
    writeFileSync(layout.pidFile('registry'), JSON.stringify({ pid: stranger.pid, born: 'another boot/1' }));
    try {
      (await acquireRunLock(layout)).release();
      expect(await gone).toBe('SIGKILL');
      expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    } finally {
      stranger.kill('SIGKILL');
    }
  });
});
