import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface RecordingApp {
  readonly child: ChildProcess;
  /** What it has printed. */
  readonly output: () => string;
  readonly exited: Promise<unknown>;
}

const program = fileURLToPath(new URL('recording-app.js', import.meta.url));
const running = new Set<ChildProcess>();

/** Starts recording-app.ts; `command` goes before it, such as a shell that mounts something. */
export function startRecordingApp(
  env: Readonly<Record<string, string>>,
  command: readonly string[] = [],
): RecordingApp {
  const [first = process.execPath, ...rest] = command;
  const child = spawn(first, [...rest, ...(command.length > 0 ? [process.execPath] : []), program], {
    env: {
      PATH: process.env['PATH'],
      MEMORY_EVENTS: '10000',
      EVENTS: '1000000',
      RATE: '1000',
      CLOSE_MS: '60000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const exited = once(child, 'close').then(() => running.delete(child));
  return { child, output: () => output, exited };
}

/** For a case that has failed: nothing of it is left running. */
export function endRecordingApps(): void {
  for (const child of running) child.kill('SIGKILL');
}
