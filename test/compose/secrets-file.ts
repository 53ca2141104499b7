import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { repositoryRoot } from './compose-file.ts';

export interface SecretsFile {
  readonly mode: number;
  read(): Record<string, string>;
  /** Runs `make env` once more. */
  writeAgain(): void;
  remove(): void;
}

/** What `make env` writes, written elsewhere: the script puts .env beside its own folder. */
export function writeSecretsFile(): SecretsFile {
  const root = mkdtempSync(join(tmpdir(), 'docket-env-'));
  mkdirSync(join(root, 'scripts'));
  const script = join(root, 'scripts', 'write-env.js');
  copyFileSync(join(repositoryRoot, 'scripts', 'write-env.js'), script);
  copyFileSync(join(repositoryRoot, 'package.json'), join(root, 'package.json'));
  const write = () => void execFileSync(process.execPath, [script], { stdio: 'ignore' });
  write();
  const file = join(root, '.env');
  return {
    mode: statSync(file).mode & 0o777,
    read: () =>
      Object.fromEntries(
        readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line.includes('='))
          .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      ),
    writeAgain: write,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
