import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { pythonWith } from '@docket/testkit';
import { beforeAll, expect, test } from '@jest/globals';

import { ocsfFormat, ocsfVersion } from '../../src/formats/ocsf-mapper.ts';
import { ocsfEvents } from './ocsf-events.ts';

const script = fileURLToPath(new URL('./validate-ocsf.py', import.meta.url));
/** The published schema of every version of OCSF, as JSON Schema; and what checks against one. */
const packages = ['ocsf-json-schema==1.2.0', 'jsonschema==4.26.0'];
let python: string;

beforeAll(async () => {
  python = await pythonWith(packages);
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
