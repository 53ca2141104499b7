import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program of this folder in a process of its own, serving HTTP. */
export interface Program {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts `<name>.ts`, which prints its URL when it listens. */
export async function startProgram(name: string, env: Readonly<Record<string, string>>): Promise<Program> {
  const file = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const [url]: unknown[] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => Promise.reject(new Error(`${name} ended before it listened`))),
  ]);
  return {
    url: String(url),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
