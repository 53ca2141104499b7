import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceProcess, World } from '@docket/testkit';
import { createWorld, eventually, runDocket, startService } from '@docket/testkit';
import type { ComposeFile } from './compose-file.ts';
import { readCompose, repositoryRoot } from './compose-file.ts';
import { writeSecretsFile } from './secrets-file.ts';

/**
 * There is no container engine here, so each service is started as a plain process with exactly the command and the environment that
 * docker-compose.yml gives it. Only what containers isolate is mapped: hosts and ports to the local stack's and to free ones, and, because that
 * stack is shared, topic prefix and database to a world of their own.
 */
const deadlineMs = 180_000;
const secretsFile = writeSecretsFile();
const secrets = secretsFile.read();
const compose: ComposeFile = readCompose(secrets);
const running = new Map<string, ServiceProcess>();

let world: World;
beforeAll(async () => {
  world = await createWorld();
}, deadlineMs);
afterAll(async () => {
  await Promise.all([...running.values()].map((service) => service.stop()));
  await world.close();
  secretsFile.remove();
}, deadlineMs);

/** Our service's environment as compose gives it, with names of containers replaced by the addresses that stand for them. */
function environmentOf(name: string): Record<string, string> {
  const given = compose.services[name]?.environment ?? {};
  const stands: Record<string, string | undefined> = {
    'kafka:9092': world.env['KAFKA_BROKERS'],
    'http://registry:8080/apis/ccompat/v7': world.env['SCHEMA_REGISTRY_URL'],
    'http://clickhouse:8123': world.env['CLICKHOUSE_URL'],
    '/var/lib/docket/trail': world.env['TRAIL_SPOOL_DIR'],
    'http://query:8081': running.get('query')?.url,
    'http://admin:8082': running.get('admin')?.url,
    // ClickHouse's user and password are made by its own container there, by the local stack here.
    [secrets['CLICKHOUSE_PASSWORD'] ?? '']: world.env['CLICKHOUSE_PASSWORD'],
    [secrets['CLICKHOUSE_QUERY_PASSWORD'] ?? '']: world.env['CLICKHOUSE_QUERY_PASSWORD'],
  };
  const mapped = Object.entries(given).map(([variable, value]) => [variable, stands[value] ?? value]);
  const own = { KAFKA_TOPIC_PREFIX: world.prefix, CLICKHOUSE_DATABASE: world.database };
  return { ...Object.fromEntries(mapped), ...own };
}

/** ENTRYPOINT ["docket"] of the image, followed by compose's command. */
function commandOf(name: string): [string, ...string[]] {
  const docket = join(repositoryRoot, 'services', 'cli', 'dist', 'main.js');
  return [process.execPath, docket, ...(compose.services[name]?.command ?? [])];
}

/** What README's line `docker compose …` hands to the container of a service. */
function readmeArguments(line: string, service: string): string[] {
  const text = readFileSync(join(repositoryRoot, 'README.md'), 'utf8').replaceAll('\\\n', ' ');
  const [, args] = new RegExp(`${line}\\s.*?\\b${service}\\s+([^\`\\n]+)`).exec(text) ?? [];
  return args?.trim().split(/\s+/) ?? [];
}

async function start(name: string): Promise<void> {
  running.set(name, await startService(name, environmentOf(name), { command: commandOf(name) }));
}

/** Runs a healthcheck's own command line with its port mapped; resolves with the exit code. */
function healthcheck(name: string, port: string, mappedTo: string): Promise<number | null> {
  const [kind, program = '', ...args] = compose.services[name]?.healthcheck?.test ?? [];
  expect(kind).toBe('CMD');
  const mapped = args.map((arg) =>
    arg.replaceAll(`127.0.0.1:${port}`, mappedTo).replaceAll(`127.0.0.1/${port}`, mappedTo.replace(':', '/')),
  );
  return new Promise((resolve) => {
    const child = execFile(program, mapped, { timeout: 20_000 }, () => resolve(child.exitCode));
  });
}

const ports = { admin: '8082', query: '8081', ingestor: '8083', delivery: '8084', gateway: '8080' };

describe('docker-compose.yml, started without containers', () => {
  test(
    'the migration runs, and runs again with nothing left to do',
    async () => {
      const command = compose.services['migrate']?.command ?? [];
      for (const _ of ['first', 'again']) {
        const { code, output } = await runDocket(command, environmentOf('migrate'));
        expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('up to date') });
      }
    },
    deadlineMs,
  );

  test.each(Object.entries(ports))(
    '%s becomes ready with its command and environment, and its healthcheck sees it',
    async (name, port) => {
      await start(name);
      const address = running.get(name)?.url.replace('http://', '') ?? '';
      expect(await healthcheck(name, port, address)).toBe(0);
      expect(await healthcheck(name, port, '127.0.0.1:1')).toBe(1);
    },
    deadlineMs,
  );

  test(
    'the registry’s healthcheck sees a registry, and its absence',
    async () => {
      const address = new URL(world.env['SCHEMA_REGISTRY_URL'] ?? '').host;
      expect(await healthcheck('registry', '8080', address)).toBe(0);
      expect(await healthcheck('registry', '8080', '127.0.0.1:1')).not.toBe(0);
    },
    deadlineMs,
  );

  test(
    'together they are a working system: a key is made with the bootstrap token, an event is accepted and can be read',
    async () => {
      const url = running.get('gateway')?.url ?? '';
      const call = async (token: string, path: string, body?: unknown): Promise<unknown> => {
        const response = await fetch(`${url}${path}`, {
          method: body === undefined ? 'GET' : 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(30_000),
        });
        const answer: unknown = await response.json();
        if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
        return answer;
      };
      const bootstrap = secrets['DOCKET_BOOTSTRAP_TOKEN'] ?? '';
      const made = await runDocket(readmeArguments('docker compose run', 'migrate'), {
        ...environmentOf('migrate'),
        DOCKET_URL: url,
        DOCKET_KEY: bootstrap,
      });
      const [key = ''] = /dk_\S+/.exec(made.output) ?? [];
      expect({ ...made, key }).toMatchObject({ code: 0, key: expect.stringMatching(/./) });
      const event = { tenant_id: 'acme', action: 'user.created', actor: { type: 'user', id: 'u_1' } };
      const accepted = await eventually(() => call(key, '/v1/events', event), { what: 'acceptance with the new key' });
      expect(accepted).toMatchObject({ results: [{ status: 'published' }] });
      const [{ id }] = (accepted as { results: [{ id: string }] }).results;
      const found = await eventually(() => call(key, `/v1/events/${id}?tenant_id=acme&wait=20`), {
        what: 'the event in the log',
      });
      expect(found).toMatchObject({ id, action: 'user.created' });
      const sink = { type: 'webhook', url: 'https://siem.acme.example/docket' };
      const subscription = await call(key, '/v1/subscriptions', { tenant_id: 'acme', name: 'SIEM', sink });
      expect(subscription).toMatchObject({ name: 'SIEM' });
    },
    deadlineMs,
  );

  test(
    'whether the log is whole is told where the README says it is',
    async () => {
      const [program, ...command] = readmeArguments('docker compose exec', 'ingestor');
      expect(program).toBe('docket');
      const { code, output } = await runDocket(command, environmentOf('ingestor'));
      expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('OK') });
    },
    deadlineMs,
  );
});
