import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = join(fileURLToPath(new URL('../../..', import.meta.url)), 'services', 'cli', 'dist', 'main.js');

export interface DocketRun {
  /** Null when it was killed at its deadline. */
  readonly code: number | null;
  /** stdout, then stderr. */
  readonly output: string;
}

/**
 * Runs the docket command as an operator would, with nothing but `env` (and PATH) in its environment; it is killed after
 * `deadlineMs`. Never rejects.
 */
export function runDocket(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  deadlineMs = 120_000,
): Promise<DocketRun> {
  return new Promise((resolve) => {
    const options = {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      timeout: deadlineMs,
      maxBuffer: 64 * 1024 * 1024,
    };
    const child = execFile(process.execPath, [main, ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: `${stdout}${stderr}`.trim() });
    });
  });
}
