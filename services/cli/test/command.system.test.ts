import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const packageFile = new URL('../package.json', import.meta.url);
/** What npm links as `docket`. */
const command = fileURLToPath(new URL(JSON.parse(readFileSync(packageFile, 'utf8')).bin.docket, packageFile));

test('the command that npm links is an executable of this repository', async () => {
  const child = spawn(command, ['--help'], { stdio: ['ignore', 'pipe', 'inherit'] });
  expect(await text(child.stdout)).toContain('Usage: docket');
});

test('a reader of its output who has enough is no error', async () => {
  const child = spawn(command, ['--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect({ said, code }).toEqual({ said: '', code: 0 });
});
