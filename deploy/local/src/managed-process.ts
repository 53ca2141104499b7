import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from './kafka-mapper.ts';
import type { ProcessGuard } from './process-guard.ts';
import { identify, signalGroup } from './process-identity.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child in a process group of its own: a Ctrl-C in the terminal reaches the supervisor alone, which stops the children in order. */
export interface ManagedProcess {
  readonly pid: number;
  /** Settles once, when the process is gone; never rejects. */
  readonly exited: Promise<Exit>;
  hasExited(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL when it is still there after `graceMs`. Resolves when it is gone. */
  stop(graceMs: number): Promise<Exit>;
}

export interface LaunchOptions {
  readonly guard: ProcessGuard;
  /** Standard output and error are appended to this file. */
  readonly logFile: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Holds the process identity while it lives, for a later run to clean up after a crash of both supervisor and guard. */
  readonly pidFile?: string;
}

/** Starts a command. Rejects when the program cannot be run (ENOENT). */
export async function launch(command: Command, options: LaunchOptions): Promise<ManagedProcess> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const child = spawn(command.command, command.args, {
    detached: true,
    stdio: ['ignore', log, log],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? process.env,
  });
  closeSync(log);
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command.command} started without a process id`);
  options.guard.watch(pid);
  if (options.pidFile !== undefined) writeFileSync(options.pidFile, JSON.stringify(identify(pid)));
  child.once('exit', () => {
    // Members of its group that outlived it would be nobody's.
    signalGroup(pid, 'SIGKILL');
    options.guard.unwatch(pid);
    if (options.pidFile !== undefined) rmSync(options.pidFile, { force: true });
  });
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    exited,
    hasExited,
    signal: (signal) => void (hasExited() || signalGroup(pid, signal)),
    async stop(graceMs) {
      if (!hasExited()) signalGroup(pid, 'SIGTERM');
      const timer = setTimeout(() => void (hasExited() || signalGroup(pid, 'SIGKILL')), graceMs);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
  };
}

/** "exited with code 1" or "was ended by SIGKILL". */
export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
}
