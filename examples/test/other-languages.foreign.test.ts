import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { partitionOf } from '@docket/event';
import { createWorld, eventually, pythonWith, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const run = promisify(execFile);
const examples = fileURLToPath(new URL('..', import.meta.url));
const token = randomBytes(24).toString('hex');
const tenants = Array.from({ length: 12 }, (_, n) => `tenant-${n}`);
const minute = 60_000;

let world: World;
let docket: ServiceProcess;
let key: string;

beforeAll(async () => {
  world = await createWorld({ partitions: 4 });
  docket = await startService('all-in-one', {
    ...world.env,
    DOCKET_BOOTSTRAP_TOKEN: token,
    DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
  });
  const made = await fetch(`${docket.url}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'app', scopes: ['events:write', 'events:read'], tenants: '*' }),
  });
  expect(made.status).toBe(201);
  key = String(Object(await made.json()).key);
  // The other services have a new key a moment after it was made.
  const isKnown = async (): Promise<boolean> => {
    const answer = await fetch(`${docket.url}/v1/whoami`, { headers: { authorization: `Bearer ${key}` } });
    return answer.status === 200;
  };
  await eventually(isKnown, { what: 'the key to be known' });
}, 3 * minute);

afterAll(async () => {
  await docket.stop();
  await world.close();
}, minute);

/** The ids that an example prints. */
async function idsOf(program: string, args: readonly string[], options: { cwd?: string; env?: object } = {}) {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], DOCKET_URL: docket.url, DOCKET_KEY: key };
  const { stdout } = await run(program, args, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { ...env, ...options.env },
    timeout: 2 * minute,
  });
  return stdout.trim().split('\n');
}

/** Of which log and how, through the public API. */
async function read(tenant: string, id: string): Promise<Record<string, unknown>> {
  return eventually(
    async () => {
      const url = `${docket.url}/v1/events/${id}?tenant_id=${tenant}&wait=5`;
      const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
      return answer.status === 200 ? { ...Object(await answer.json()) } : undefined;
    },
    { what: `event ${id} of ${tenant}` },
  );
}

test(
  'python-http: its events are in the log of the tenant',
  async () => {
    const python = await pythonWith([]);
    const [shared = '', failed = ''] = await idsOf(python, [join(examples, 'python-http', 'record.py'), 'acme']);
    expect(await read('acme', shared)).toMatchObject({
      action: 'document.shared',
      actor: { name: 'Zoë' },
    });
    expect(await read('acme', failed)).toMatchObject({ outcome: 'failure', context: { ip: '203.0.113.7' } });
  },
  3 * minute,
);

test(
  'go-http: its events are in the log of the tenant',
  async () => {
    const built = mkdtempSync(join(tmpdir(), 'docket-go-http-'));
    const program = join(built, 'go-http');
    const source = join(examples, 'go-http');
    await run('go', ['build', '-o', program, '.'], { cwd: source, timeout: 2 * minute }).catch((cause: unknown) => {
      throw new Error('this test needs Go >= 1.21', { cause });
    });
    const [paid = '', denied = ''] = await idsOf(program, ['acme']);
    rmSync(built, { recursive: true });
    expect(await read('acme', paid)).toMatchObject({ action: 'invoice.paid', resources: [{ name: '№ 42' }] });
    expect(await read('acme', denied)).toMatchObject({ outcome: 'denied' });
  },
  3 * minute,
);

/** Rows of ours that lie in the logs of partitions: where a foreign hash has put them. */
async function strays(): Promise<number> {
  const [row] = await world.clickhouse.query<{ n: number }>(
    `SELECT count() AS n FROM audit_events WHERE status = 'rerouted' AND startsWith(tenant_id, '!p')`,
  );
  return row?.n ?? 0;
}

test.each([
  ['murmur2_random, as it is told to', {}, false],
  ['its own default partitioner', { PARTITIONER: 'consistent_random' }, true],
])(
  'python-kafka with %s: each event is in its tenant’s log once',
  async (_, env, areStrays) => {
    const packages = readFileSync(join(examples, 'python-kafka', 'requirements.txt'), 'utf8')
      .trim()
      .split('\n');
    const before = await strays();
    const ids = await idsOf(await pythonWith(packages), [join(examples, 'python-kafka', 'produce.py'), ...tenants], {
      env: {
        KAFKA_BROKERS: world.env['KAFKA_BROKERS'],
        SCHEMA_REGISTRY_URL: world.env['SCHEMA_REGISTRY_URL'],
        KAFKA_TOPIC: world.kafka.topics.events.name,
        ...env,
      },
    });
    expect(new Set(ids).size).toBe(tenants.length);
    // Acknowledgements come in any order, so each event is looked for in the table first.
    const rows = await eventually(
      async () => {
        const found = await world.clickhouse.query<{ tenant: string; id: string; partition: number }>(
          `SELECT tenant_id AS tenant, id, src_partition AS partition FROM audit_events
         WHERE has({ids:Array(UUID)}, id) AND status = 'accepted'`,
          { ids },
        );
        return found.length >= tenants.length ? found : undefined;
      },
      { what: 'the events of every tenant' },
    );
    expect(rows.map(({ tenant }) => tenant).toSorted()).toEqual(tenants.toSorted());
    for (const { tenant, id, partition } of rows) {
      expect(partition).toBe(partitionOf(tenant, world.partitions));
      expect(await read(tenant, id)).toMatchObject({ action: 'report.exported', actor: { name: 'Ångström' } });
    }
    expect((await strays()) - before > 0).toBe(areStrays);
  },
  5 * minute,
);
