import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { eventually } from '@docket/testkit';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const module = 'github.com/VictoriaMetrics/VictoriaLogs@v1.52.1';
const binary = join(root, '.local', module.replaceAll('/', '-'));

/** VictoriaLogs, which takes events by Splunk's protocol and shares nothing with us, in a process of its own. */
export interface VictoriaLogs {
  readonly url: string;
  /** The rows of a LogsQL query, by its own HTTP API. */
  query(logsQl: string): Promise<Record<string, string>[]>;
  stop(): Promise<void>;
}

/** Builds it from the Go module proxy, once. */
export async function buildVictoriaLogs(): Promise<void> {
  if (existsSync(binary)) return;
  try {
    const { stdout } = await run('go', ['mod', 'download', '-json', module], { cwd: tmpdir() });
    const found: unknown = JSON.parse(stdout);
    const directory = typeof found === 'object' && found !== null && 'Dir' in found ? String(found.Dir) : '';
    await run('go', ['build', '-o', `${binary}.new`, './app/victoria-logs'], { cwd: directory });
    await run('mv', [`${binary}.new`, binary]);
  } catch (cause) {
    throw new Error('this test needs Go >= 1.26 and the Go module proxy', { cause });
  }
}

export async function startVictoriaLogs(): Promise<VictoriaLogs> {
  const directory = await mkdtemp(join(tmpdir(), 'docket-victoria-logs-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child: ChildProcess = spawn(
    binary,
    [`-httpListenAddr=127.0.0.1:${port}`, `-storageDataPath=${directory}`, '-loggerLevel=ERROR'],
    { stdio: 'inherit' },
  );
  const exited = once(child, 'exit');
  await eventually(async () => (await fetch(`${url}/health`)).ok, { what: 'VictoriaLogs', deadlineMs: 30_000 });
  return {
    url,
    query: async (logsQl) => {
      const response = await fetch(`${url}/select/logsql/query`, {
        method: 'POST',
        body: new URLSearchParams({ query: logsQl }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`VictoriaLogs answered ${response.status}: ${text}`);
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Record<string, string> => JSON.parse(line));
    },
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
