import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { signalGroup } from '@docket/local-stack';
import { eventually } from './eventually.ts';
import { noteSpawned } from './spawned-processes.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A service in a process of its own. */
export interface ServiceProcess {
  readonly name: string;
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  /** Lines of stdout and stderr so far, oldest first; the newest 10,000 are kept. */
  readonly logs: readonly string[];
  readonly exited: Promise<Exit>;
  /** SIGTERM; SIGKILL and a rejection when it has not ended after `deadlineMs` (default 15 s: a clean stop takes at most 10). */
  stop(deadlineMs?: number): Promise<Exit>;
  /** Sends a signal and, unless it is SIGSTOP or SIGCONT, waits until the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface StartServiceOptions {
  /** `ready` (default) waits for /readyz, `listening` for the HTTP port only: for tests in which it cannot become ready yet. */
  readonly until?: 'ready' | 'listening';
  readonly deadlineMs?: number;
  /** Program and arguments in place of `node services/<name>/dist/main.js`. */
  readonly command?: readonly [string, ...string[]];
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const linesMax = 10_000;
const tailLines = 40;
const defaultDeadlineMs = 60_000;

/**
 * Starts a service as a user would: its compiled main with nothing but `env` (and PATH) in its environment. HTTP_PORT defaults to 0 and HTTP_HOST
 * to 127.0.0.1. Rejects with the end of its log when it exits first or is not ready in time; nothing is left running then.
 */
export async function startService(
  name: string,
  env: Readonly<Record<string, string>>,
  options: StartServiceOptions = {},
): Promise<ServiceProcess> {
  const { until = 'ready', deadlineMs = defaultDeadlineMs } = options;
  const main = join(root, 'services', name, 'dist', 'main.js');
  const [program, ...args] = options.command ?? [process.execPath, main];
  if (options.command === undefined && !existsSync(main)) throw new Error(`${main} is missing: run npm run build`);
  const child = spawn(program, args, {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HTTP_PORT: '0', HTTP_HOST: '127.0.0.1', ...env },
  });
  const logs = collectLines(child);
  const exited = new Promise<Exit>((resolve, reject) => {
    // `close`, not `exit`: by then the last lines have been read.
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', reject);
  });
  const { pid } = child;
  if (pid === undefined) return exited.then(() => Promise.reject(new Error(`${program} could not be started`)));
  const forget = noteSpawned(pid, name);
  let exit: Exit | undefined;
  void exited.then((how) => {
    exit = how;
    return forget();
  });
  const controls = controlsOf({ name, pid, exited, logs, hasExited: () => exit !== undefined });
  try {
    const url = await waitForStart({ name, logs, until, deadlineMs, exitOf: () => exit });
    return { name, url, pid, logs, exited, ...controls };
  } catch (error) {
    await controls.kill('SIGKILL');
    throw error;
  }
}

interface Running {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly logs: readonly string[];
  readonly hasExited: () => boolean;
}

function controlsOf({ name, pid, exited, logs, hasExited }: Running): Pick<ServiceProcess, 'stop' | 'kill'> {
  return {
    async stop(deadlineMs = 15_000) {
      if (!hasExited()) signalGroup(pid, 'SIGTERM');
      let overdue = false;
      const timer = setTimeout(() => {
        overdue = true;
        signalGroup(pid, 'SIGKILL');
      }, deadlineMs);
      const exit = await exited;
      clearTimeout(timer);
      if (overdue) throw new Error(`${name} did not stop within ${deadlineMs} ms of SIGTERM\n${tailOf(logs)}`);
      return exit;
    },
    async kill(signal = 'SIGKILL') {
      if (!hasExited()) signalGroup(pid, signal);
      if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await exited;
    },
  };
}

interface Starting {
  readonly name: string;
  readonly logs: readonly string[];
  readonly until: 'ready' | 'listening';
  readonly deadlineMs: number;
  readonly exitOf: () => Exit | undefined;
}

async function waitForStart({ name, logs, until, deadlineMs, exitOf }: Starting): Promise<string> {
  let gone = false;
  try {
    const giveUpAtMs = Date.now() + deadlineMs;
    const url = await eventually(
      () => {
        gone = exitOf() !== undefined;
        return gone ? 'gone' : listeningUrl(logs);
      },
      { what: `http.listening of ${name}`, deadlineMs, intervalMs: 20 },
    );
    if (!gone && until === 'ready') {
      await eventually(
        async () => {
          gone = exitOf() !== undefined;
          return gone || (await isReady(url));
        },
        { what: `/readyz of ${name}`, deadlineMs: Math.max(0, giveUpAtMs - Date.now()) },
      );
    }
    if (!gone) return url;
  } catch (error) {
    throw new Error(`${name} is not up after ${deadlineMs} ms. The end of its log:\n${tailOf(logs)}`, { cause: error });
  }
  const exit = exitOf();
  throw new Error(`${name} ended (${exit?.signal ?? `code ${exit?.code}`}). The end of its log:\n${tailOf(logs)}`);
}

function listeningUrl(logs: readonly string[]): string | undefined {
  for (const line of logs) {
    if (!line.includes('http.listening')) continue;
    const port = /"port":(\d+)/.exec(line)?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}`;
  }
  return undefined;
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`status ${response.status}: ${text}`);
  return true;
}

function collectLines(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > linesMax) lines.splice(0, lines.length - linesMax);
    });
  }
  return lines;
}

function tailOf(logs: readonly string[]): string {
  return logs.slice(-tailLines).join('\n');
}
