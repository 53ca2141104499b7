import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultStackDir } from '../src/index.ts';
import { artifactsDir, freshRunsDir, packageFile } from '../src/layout.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `make stack` without make: the supervisor in a process group of its own. */
export interface Supervisor {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  stdout(): string;
  /** Resolves with the first line that matches; rejects when the supervisor ends or the deadline passes first. */
  line(pattern: RegExp): Promise<string>;
  signal(signal: NodeJS.Signals): void;
}

const lineDeadlineMs = 90_000;

export function startSupervisor(dir: string, env: NodeJS.ProcessEnv = {}, args: readonly string[] = []): Supervisor {
  const child = spawn(process.execPath, [packageFile('dist', 'main.js'), ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DOCKET_STACK_DIR: dir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the supervisor could not be started');
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  let isGone = false;
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      isGone = true;
      resolve({ code, stdout, stderr });
    });
  });
  const findLine = (pattern: RegExp) => stdout.split('\n').find((line) => pattern.test(line));
  return {
    pid,
    ended,
    stdout: () => stdout,
    async line(pattern) {
      await until(() => isGone || findLine(pattern) !== undefined, `${pattern}`, lineDeadlineMs);
      const found = findLine(pattern);
      if (found === undefined) throw new Error(`the supervisor ended before ${pattern}:\n${stdout}${stderr}`);
      return found;
    },
    signal: (signal) => void child.kill(signal),
  };
}

/** An empty `.local` with the downloads of the real one, so that nothing is downloaded again. */
export function temporaryStackDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'docket-stack-'));
  symlinkSync(artifactsDir(defaultStackDir()), artifactsDir(dir));
  return dir;
}

/** The same with no downloads at all. */
export function emptyStackDir(): string {
  return mkdtempSync(join(tmpdir(), 'docket-stack-'));
}

export function removeStackDir(dir: string): void {
  for (const { pid } of processesOf(dir)) process.kill(pid, 'SIGKILL');
  rmSync(dir, { recursive: true, force: true });
}

/** A directory with executable stand-ins; to be put on the PATH. */
export function makeDir(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}

/** Every process whose command line names the directory: the three servers and the guard, but not the supervisor itself. */
export function processesOf(dir: string): { pid: number; command: string }[] {
  return execFileSync('ps', ['-ewwo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(dir))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line }));
}

export function processOf(dir: string, marker: string): number {
  const found = processesOf(dir).find(({ command }) => command.includes(marker));
  if (found === undefined) throw new Error(`no process with ${marker} and ${dir}`);
  return found.pid;
}

/** What a stopped stack must not leave: processes, stack.env, data of a fresh run. */
export async function nothingLeft(dir: string): Promise<void> {
  await until(() => processesOf(dir).length === 0, `the end of all processes of ${dir}`, 20_000);
  await until(() => !existsSync(join(dir, 'stack.env')), 'the removal of stack.env', 5000);
  const fresh = freshRunsDir(dir);
  await until(() => !existsSync(fresh) || readdirSync(fresh).length === 0, 'the removal of fresh data', 5000);
}

export function readEnvText(dir: string): string {
  return readFileSync(join(dir, 'stack.env'), 'utf8');
}

export async function until(condition: () => boolean, what: string, deadlineMs: number): Promise<void> {
  const giveUpAtMs = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > giveUpAtMs) throw new Error(`${what} did not happen within ${deadlineMs} ms`);
    await delay(20);
  }
}
