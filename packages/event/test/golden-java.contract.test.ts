import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { goldenEvent, goldenNames, goldenText } from './golden.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const version = '1.12.0';
const directory = join(root, '.local', 'artifacts', 'avro-tools');
const jar = join(directory, `avro-tools-${version}.jar`);

/** Apache's own Avro, in Java: an implementation that nothing of Docket is built on. */
beforeAll(async () => {
  if (existsSync(jar)) return;
  const artifact = `-Dartifact=org.apache.avro:avro-tools:${version}`;
  await run('mvn', ['--quiet', '--batch-mode', 'dependency:copy', artifact, `-DoutputDirectory=${directory}`]);
}, 180_000);

/** Avro's JSON encoding names the branch of a union; plain values do not. */
const branches = new Set(['string', 'long', 'docket.Category', 'docket.Principal']);

function withoutBranches(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const [[name, inner] = ['', undefined], ...others] = Object.entries(value);
  return others.length === 0 && branches.has(name) ? inner : value;
}

test.each(goldenNames)(
  'Apache Avro reads the golden bytes of %s with our schema as the same event',
  async (name) => {
    const file = join(mkdtempSync(join(tmpdir(), 'docket-avro-')), `${name}.avro`);
    writeFileSync(file, Buffer.from(goldenText(`${name}.avro.hex`), 'hex'));
    const schema = join(root, 'schemas', 'avro', 'audit-event.avsc');
    const { stdout } = await run('java', ['-jar', jar, 'fragtojson', '--schema-file', schema, file]);
    expect(JSON.parse(stdout, withoutBranches)).toEqual(goldenEvent(name));
  },
  60_000,
);
