import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * A Python that has these packages, in an environment of its own below .local that is made once for each set of them; may take a minute
 * then. Rejects where there is no python3 (3.9 or later, with venv), or a package cannot be had.
 * @param packages with their versions: `jsonschema==4.26.0`
 */
export async function pythonWith(packages: readonly string[]): Promise<string> {
  const name = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12);
  const environment = join(root, '.local', 'python', name);
  const python = join(environment, 'bin', 'python');
  // Written last, so that a try that was cut off is made again.
  const mark = join(environment, 'complete');
  if (existsSync(mark)) return python;
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(environment, { recursive: true });
  try {
    await run('python3', ['-m', 'venv', environment]);
    if (packages.length > 0)
      await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
  } catch (cause) {
    throw new Error('this test needs python3 >= 3.9 with venv, and the Python package registry', { cause });
  }
  writeFileSync(mark, packages.join('\n'));
  return python;
}
