import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';

import { ocsfFormat, ocsfVersion } from '../../src/formats/ocsf-mapper.ts';
import { ocsfEvents } from './ocsf-events.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const script = fileURLToPath(new URL('./validate-ocsf.py', import.meta.url));
/** The published schema of every version of OCSF, as JSON Schema; and what checks against one. */
const packages = ['ocsf-json-schema==1.2.0', 'jsonschema==4.26.0'];
const environment = join(root, '.local', `python-ocsf-${packages.join('-').replaceAll(/[^a-z0-9.-]/g, '-')}`);
const python = join(environment, 'bin', 'python');

/** Once for each set of packages; the mark is written last, so a try that was cut off is made again. */
beforeAll(async () => {
  const mark = join(environment, 'complete');
  if (existsSync(mark)) return;
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(environment, { recursive: true });
  try {
    await run('python3', ['-m', 'venv', environment]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
  } catch (cause) {
    throw new Error('this test needs python3 >= 3.9 with venv, and the Python package registry', { cause });
  }
  writeFileSync(mark, '');
}, 180_000);

async function problemsOf(events: readonly object[]): Promise<unknown[]> {
  const child = spawn(python, [script, ocsfVersion], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const lines = (await text(child.stdout)).trimEnd().split('\n');
  return lines.map((line): unknown => JSON.parse(line));
}

test('every kind of event is valid by the published schema of OCSF, and unmapped has nothing that its class defines', async () => {
  const names = Object.keys(ocsfEvents);
  const problems = await problemsOf(Object.values(ocsfEvents).map(ocsfFormat));
  expect(Object.fromEntries(names.map((name, index) => [name, problems[index]]))).toEqual(
    Object.fromEntries(names.map((name) => [name, []])),
  );
}, 120_000);

test('the validator refuses what is not OCSF', async () => {
  const [event] = Object.values(ocsfEvents);
  if (event === undefined) throw new Error('no event');
  const good = { ...ocsfFormat(event) };
  const broken = [
    { ...good, seq: 1 },
    { ...good, time: 'now' },
    { ...good, metadata: { version: ocsfVersion } },
    { ...good, activity_id: 42 },
    { ...good, unmapped: { status: 'x' } },
    { ...good, severity: 'high' },
  ];
  const problems = await problemsOf(broken);
  expect(problems.map((found) => Array.isArray(found) && found.length > 0)).toEqual(broken.map(() => true));
}, 120_000);
