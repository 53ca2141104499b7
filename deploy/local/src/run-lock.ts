import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasErrorCode } from './error-code.ts';
import type { RunLayout } from './layout.ts';
import { componentNames } from './layout.ts';
import { StackError } from './problem-policy.ts';
import { identify, isAlive, killLeftover, parseIdentity } from './process-identity.ts';

/**
 * Takes the run directory for this process; throws StackError `already-running` while another living process has it.
 * A lock left by a dead supervisor is taken over, and whatever it left running is killed first.
 */
export async function acquireRunLock(layout: RunLayout): Promise<{ release(): void }> {
  const { lockFile } = layout;
  mkdirSync(dirname(lockFile), { recursive: true });
  const self = identify(process.pid);
  if (self === null) throw new Error('this process cannot read its own identity');
  const mine = JSON.stringify(self);
  const draft = `${lockFile}.${process.pid}`;
  writeFileSync(draft, mine);
  try {
    while (!tryLink(draft, lockFile)) removeStaleLock(layout, draft);
  } finally {
    rmSync(draft, { force: true });
  }
  await killLeftovers(layout);
  return {
    release() {
      if (readOrNull(lockFile) === mine) rmSync(lockFile, { force: true });
    },
  };
}

/** Whether a living supervisor holds this run directory. */
export function isRunLocked(layout: RunLayout): boolean {
  const holder = parseIdentity(readOrNull(layout.lockFile) ?? '');
  return holder !== null && isAlive(holder);
}

function removeStaleLock(layout: RunLayout, draft: string): void {
  const { lockFile } = layout;
  const text = readOrNull(lockFile);
  if (text === null) return;
  const holder = parseIdentity(text);
  if (holder !== null && isAlive(holder)) {
    throw new StackError({ kind: 'already-running', pid: holder.pid, dir: layout.root });
  }
  // Two processes may find the same stale lock. A rename moves one file: if it is not the stale one, somebody was faster; give it back.
  const aside = `${draft}.stale`;
  if (!tryRename(lockFile, aside)) return;
  if (readOrNull(aside) !== text) tryLink(aside, lockFile);
  rmSync(aside, { force: true });
}

async function killLeftovers(layout: RunLayout): Promise<void> {
  for (const name of componentNames) {
    const leftover = parseIdentity(readOrNull(layout.pidFile(name)) ?? '');
    if (leftover !== null) await killLeftover(leftover);
    rmSync(layout.pidFile(name), { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  return succeeds(() => linkSync(from, to), 'EEXIST');
}

function tryRename(from: string, to: string): boolean {
  return succeeds(() => renameSync(from, to), 'ENOENT');
}

function succeeds(action: () => void, expectedCode: string): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (hasErrorCode(error, expectedCode)) return false;
    throw error;
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
