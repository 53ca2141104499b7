import { chmodSync, existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { artifactsDir } from '../src/layout.ts';
import {
  emptyStackDir,
  makeDir,
  nothingLeft,
  removeStackDir,
  startSupervisor,
  temporaryStackDir,
} from './supervisor.ts';

const dirs: string[] = [];
afterEach(() => dirs.splice(0).forEach(removeStackDir));

function newDir(make: () => string): string {
  const dir = make();
  dirs.push(dir);
  return dir;
}

/** A PATH of stand-ins: each a shell script; the supervisor and its guard still find /bin/sh and, by its full path, node. */
function pathWith(dir: string, scripts: Record<string, string>): string {
  const bin = makeDir(join(dir, 'bin'));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  for (const tool of ['sleep', 'rm', 'mkdir', 'touch']) symlinkSync(`/bin/${tool}`, join(bin, tool));
  return bin;
}

const java17 = `echo 'openjdk version "17.0.1" 2021-10-19' >&2`;

async function refusal(dir: string, env: NodeJS.ProcessEnv) {
  const { code, stdout, stderr } = await startSupervisor(dir, { JAVA_HOME: '', ...env }).ended;
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  await nothingLeft(dir);
  return { stdout, stderr };
}

describe('what keeps the stack from starting is one line with the remedy, and exit code 1', () => {
  test('no Java', async () => {
    const dir = newDir(temporaryStackDir);
    const { stderr } = await refusal(dir, { PATH: pathWith(dir, {}) });
    expect(stderr).toMatch(/^Java is missing\. Install a JRE of version 17/);
  });

  test('an old Java', async () => {
    const dir = newDir(temporaryStackDir);
    const { stderr } = await refusal(dir, { PATH: pathWith(dir, { java: `echo 'java version "11.0.2"' >&2` }) });
    expect(stderr).toMatch(/^Java 11\.0\.2 is too old\. Install version 17/);
  });

  test('no Maven, when there is something to download', async () => {
    const dir = newDir(emptyStackDir);
    const { stderr } = await refusal(dir, { PATH: pathWith(dir, { java: java17, npm: 'sleep 60' }) });
    expect(stderr).toMatch(/^Maven is missing; .*apt install maven/);
  });

  test('a failed download: what was half there is gone, and the log is named', async () => {
    const dir = newDir(emptyStackDir);
    const mvn = 'for last; do case $last in -DoutputDirectory=*) touch "${last#*=}/half.jar";; esac; done; exit 1';
    const { stdout, stderr } = await refusal(dir, { PATH: pathWith(dir, { java: java17, mvn, npm: 'sleep 60' }) });
    expect(stdout).toMatch(/^kafka 4\.1\.1: downloading about \d+ MB, once$/m);
    expect(stderr).toMatch(/^The download of kafka failed\. See .*download-kafka\.log;/);
    expect(readdirSync(artifactsDir(dir))).toEqual([]);
  });

  test('a download that reports success and left nothing is a failed one', async () => {
    const dir = newDir(emptyStackDir);
    const scripts = { java: java17, mvn: 'exit 0', npm: 'sleep 60' };
    const { stderr } = await refusal(dir, { PATH: pathWith(dir, scripts) });
    expect(stderr).toMatch(/^The download of kafka failed/);
  });

  test('a download cut off by a crash is removed and begun again', async () => {
    const dir = newDir(emptyStackDir);
    const partial = makeDir(join(artifactsDir(dir), '.partial-999999999-kafka'));
    await refusal(dir, { PATH: pathWith(dir, { java: java17, npm: 'sleep 60' }) });
    expect(existsSync(partial)).toBe(false);
  });

  test.each([
    ['KAFKA_PORT', 'kafka'],
    ['SCHEMA_REGISTRY_PORT', 'registry'],
    ['CLICKHOUSE_PORT', 'clickhouse'],
  ])('the port of %s is taken', async (setting, name) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    try {
      const { stderr } = await refusal(newDir(temporaryStackDir), { [setting]: String(port) });
      expect(stderr).toContain(`Port ${port} for ${name} is taken.`);
      expect(stderr).toContain(`set ${setting} to another port`);
    } finally {
      server.close();
    }
  });

  test('a port that is none', async () => {
    const { stderr } = await refusal(newDir(temporaryStackDir), { KAFKA_PORT: 'nine' });
    expect(stderr).toContain('KAFKA_PORT=nine is not');
  });

  test('a full disk', async () => {
    const { stderr } = await refusal(newDir(temporaryStackDir), { STACK_FREE_MB_MIN: '1000000000' });
    expect(stderr).toMatch(/^\d+ MB are free at .*, 1000000000 MB are needed\. Free some space/);
  });
});
