import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findRunningStack } from '../src/index.ts';
import { parseEnvFile } from '../src/stack-env-mapper.ts';
import {
  nothingLeft,
  processesOf,
  processOf,
  readEnvText,
  removeStackDir,
  startSupervisor,
  temporaryStackDir,
  until,
} from './supervisor.ts';

const up = /The stack is up after/;
const testDeadlineMs = 240_000;

let dir: string;
beforeEach(() => {
  dir = temporaryStackDir();
});
afterEach(() => removeStackDir(dir));

async function queryClickHouse(sql: string): Promise<string> {
  const env = parseEnvFile(readEnvText(dir));
  const response = await fetch(`${env['CLICKHOUSE_URL']}/`, {
    method: 'POST',
    body: sql,
    headers: {
      'x-clickhouse-user': env['CLICKHOUSE_USER'] ?? '',
      'x-clickhouse-key': env['CLICKHOUSE_PASSWORD'] ?? '',
    },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text.trim();
}

async function registerSchema(): Promise<unknown> {
  const env = parseEnvFile(readEnvText(dir));
  const response = await fetch(`${env['SCHEMA_REGISTRY_URL']}/subjects/kept-value/versions`, {
    method: 'POST',
    body: JSON.stringify({ schema: '"string"' }),
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
  });
  return response.json();
}

describe('the supervisor', () => {
  test(
    'starts three servers, says so in a line each, and after Ctrl-C nothing is left',
    async () => {
      const supervisor = startSupervisor(dir);
      await supervisor.line(up);
      for (const line of [/^kafka 4\.1\.1 is up on port \d+$/m, /^registry 2\.6\.13\.Final is up on port \d+$/m]) {
        expect(supervisor.stdout()).toMatch(line);
      }
      expect(supervisor.stdout()).toMatch(/^clickhouse 26\.7\.[\d.]+ is up on port \d+$/m);
      expect(await findRunningStack(join(dir, 'stack.env'))).toMatchObject({ KAFKA_REPLICATION_FACTOR: '1' });
      // It holds a password.
      expect(statSync(join(dir, 'stack.env')).mode & 0o777).toBe(0o600);

      const second = await startSupervisor(dir).ended;
      expect(second).toMatchObject({ code: 1, stdout: '' });
      expect(second.stderr).toMatch(/^A stack is already running on .* \(process \d+\)\. .*kill \d+\.\n$/);
      expect(await findRunningStack(join(dir, 'stack.env'))).not.toBeNull();

      supervisor.signal('SIGINT');
      expect(await supervisor.ended).toMatchObject({ code: 0, stderr: '' });
      await nothingLeft(dir);
    },
    testDeadlineMs,
  );

  test(
    'keeps data over a stop, over its own SIGKILL, and when its guard dies with it',
    async () => {
      const first = startSupervisor(dir);
      await first.line(up);
      await queryClickHouse('CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n');
      await queryClickHouse('INSERT INTO kept SETTINGS async_insert = 0 VALUES (7)');
      const registered = await registerSchema();
      first.signal('SIGTERM');
      expect((await first.ended).code).toBe(0);
      await nothingLeft(dir);

      const second = startSupervisor(dir);
      await second.line(up);
      expect(await queryClickHouse('SELECT n FROM kept')).toBe('7');
      expect(await registerSchema()).toEqual(registered);
      second.signal('SIGKILL');
      await second.ended;
      await nothingLeft(dir);

      const third = startSupervisor(dir);
      await third.line(up);
      process.kill(processOf(dir, 'docket-guard'), 'SIGKILL');
      third.signal('SIGKILL');
      await third.ended;
      await until(() => processesOf(dir).length === 3, 'the end of the guard', 5000);
      const leftover = processesOf(dir).map(({ pid }) => pid);

      const fourth = startSupervisor(dir);
      await fourth.line(up);
      const now = processesOf(dir).map(({ pid }) => pid);
      expect(now.filter((pid) => leftover.includes(pid))).toEqual([]);
      expect(await queryClickHouse('SELECT n FROM kept')).toBe('7');
      fourth.signal('SIGTERM');
      expect((await fourth.ended).code).toBe(0);
      await nothingLeft(dir);
    },
    testDeadlineMs,
  );

  test.each(['kafka.Kafka', 'apicurio-registry', 'clickhouse-child'])(
    'when %s dies, everything stops, with one line that names its log, and exit code 1',
    async (marker) => {
      const supervisor = startSupervisor(dir, {}, ['--fresh']);
      await supervisor.line(up);
      process.kill(processOf(dir, marker), 'SIGKILL');
      const { code, stderr } = await supervisor.ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(/^(kafka|registry|clickhouse) was ended by SIGKILL\. See .*\.log\.\n$/);
      // Fresh data is gone, but not the log that was named.
      expect(existsSync(/See (.*\.log)\.\n$/.exec(stderr)?.[1] ?? '')).toBe(true);
      await nothingLeft(dir);
    },
    testDeadlineMs,
  );

  test(
    'when a server cannot start, the others are stopped, with one line and exit code 1',
    async () => {
      mkdirSync(join(dir, 'data', 'kafka'), { recursive: true });
      const meta = 'version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=99\n';
      writeFileSync(join(dir, 'data', 'kafka', 'meta.properties'), meta);
      const { code, stderr } = await startSupervisor(dir).ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(/^kafka exited with code 1 before it answered\. See .*kafka\.log\.\n$/);
      await nothingLeft(dir);
    },
    testDeadlineMs,
  );

  test(
    'Ctrl-C while the servers are starting leaves nothing either',
    async () => {
      const supervisor = startSupervisor(dir);
      await until(() => processesOf(dir).length >= 3, 'a server', 30_000);
      supervisor.signal('SIGINT');
      const { code, stderr } = await supervisor.ended;
      expect(code).toBe(1);
      expect(stderr).toBe('Interrupted before the stack was up; everything is stopped.\n');
      await nothingLeft(dir);
    },
    testDeadlineMs,
  );
});
