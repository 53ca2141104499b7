import type { Scope } from '@docket/directory';
import { newEventId } from '@docket/event';
import {
  createKeyring,
  createWorld,
  eventInput,
  eventually,
  publishRecords,
  runDocket,
  startService,
  type Keyring,
  type ServiceProcess,
  type World,
} from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

let world: World;
let keyring: Keyring;
let ingestor: ServiceProcess;
let query: ServiceProcess;
let operator: string;
const rejectedId = newEventId();
const rejected = { ...eventInput('acme', { id: rejectedId, description: 'refused in its day' }) };

beforeAll(async () => {
  world = await createWorld({ partitions: 2 });
  keyring = createKeyring(world);
  await publishRecords(world, [
    { key: null, partition: 0, value: Buffer.from('garbage') },
    { key: 'acme', value: Buffer.from('more garbage') },
    { key: 'acme', value: Buffer.from(JSON.stringify(rejected)), headers: { 'docket-reject': 'unknown_tenant: ' } },
  ]);
  [ingestor, query] = await Promise.all([startService('ingestor', world.env), startService('query', world.env)]);
  operator = await newKey('*', ['events:read', 'events:write']);
  await eventually(async () => (await rowsOf('acme')).length === 2 && (await rowsOf('!p0')).length === 1, {
    what: 'three quarantined rows',
  });
}, 120_000);

afterAll(async () => {
  await Promise.all([query?.stop(), ingestor?.stop()]);
  await keyring?.close();
  await world?.close();
}, 60_000);

async function newKey(tenants: readonly string[] | '*', scopes: readonly Scope[]): Promise<string> {
  const { authorization } = await keyring.make({
    tenants: tenants === '*' ? tenants : [...tenants],
    scopes: [...scopes],
  });
  const whoami = () => fetch(`${query.url}/v1/whoami`, { headers: { authorization } });
  await eventually(async () => (await whoami()).status === 200, { what: 'the key is known' });
  return authorization;
}

interface Row {
  readonly seq: number;
  readonly id: string;
  readonly status: string;
  readonly action: string;
  readonly mark: string;
  readonly ingest_key_id: string;
}

const rowsOf = (log: string): Promise<Row[]> =>
  world.clickhouse.query<Row>(
    `SELECT seq, id, toString(status) AS status, action, metadata['_redrive_of'] AS mark, ingest_key_id
     FROM audit_events WHERE tenant_id = {log:String} AND NOT startsWith(action, 'docket.') ORDER BY seq`,
    { log },
  );

async function redrive(log: string, seq: number, body: unknown, authorization = operator) {
  const response = await fetch(`${query.url}/v1/quarantine/${seq}/redrive?tenant_id=${log}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) as Record<string, unknown>, text };
}

const corrected = { event: eventInput('acme', { action: 'document.mended' }) };

test('a list of all logs shows the records of each, and is told in each and in the operators’ log, naming no other', async () => {
  const response = await fetch(`${query.url}/v1/quarantine?tenant_id=*`, { headers: { authorization: operator } });
  const { data } = (await response.json()) as { data: { tenant_id: string }[] };
  expect([response.status, data.map(({ tenant_id: log }) => log).toSorted()]).toEqual([200, ['!p0', 'acme', 'acme']]);
  const told = await eventually(
    async () => {
      const rows = await world.clickhouse.query<{ log: string; of: string; results: string; text: string }>(
        `SELECT tenant_id AS log, \`resources.id\`[1] AS of, metadata['results'] AS results, toJSONString(metadata) AS text
         FROM audit_events WHERE action = 'docket.log.quarantine_listed' AND status = 'accepted' ORDER BY log, of`,
      );
      return rows.length < 3 ? undefined : rows;
    },
    { what: 'three readings' },
  );
  expect(told).toMatchObject([
    { log: 'acme', of: 'acme', results: '2' },
    { log: 'docket.operators', of: '!p0', results: '1' },
    { log: 'docket.operators', of: '*', results: '3' },
  ]);
  expect(told[0]?.text).not.toContain('!p0');
}, 60_000);

describe('redriving a quarantined record', () => {
  test('the corrected event of a stray record is in its tenant’s log, once, however often it is redriven', async () => {
    const both = await Promise.all([redrive('!p0', 1, corrected), redrive('!p0', 1, corrected)]);
    expect(both.map(({ status, body }) => [status, body['tenant_id']])).toEqual([
      [200, 'acme'],
      [200, 'acme'],
    ]);
    const mended = await eventually(
      async () => {
        const found = (await rowsOf('acme')).filter(({ action }) => action === 'document.mended');
        return found.length > 0 ? found : undefined;
      },
      { what: 'the mended event' },
    );
    expect(mended[0]).toMatchObject({ status: 'accepted', mark: 'a record of another log', id: both[0]?.body['id'] });
    expect(mended[0]?.ingest_key_id).not.toBe('');
    const again = await redrive('!p0', 1, { event: { ...corrected.event, description: 'changed his mind' } });
    expect(again).toMatchObject({ status: 200, body: { status: 'already_stored', id: mended[0]?.id } });
    const all = (await rowsOf('acme')).filter(({ action }) => action === 'document.mended');
    expect(all.filter(({ status }) => status === 'accepted' || status === 'conflict')).toHaveLength(1);
    expect((await rowsOf('!p0')).map(({ status }) => status)).toEqual(['quarantined']);
  }, 60_000);

  test('a record that can be read by now needs no correction, and keeps its id', async () => {
    const [, { seq } = { seq: 0 }] = (await rowsOf('acme')).filter(({ status }) => status === 'quarantined');
    expect(await redrive('acme', seq, {})).toMatchObject({
      status: 200,
      body: { id: rejectedId, status: 'published' },
    });
    const row = await eventually(
      async () => (await rowsOf('acme')).find(({ id, status }) => id === rejectedId && status === 'accepted'),
      {
        what: 'the event that was refused',
      },
    );
    expect(row).toMatchObject({ mark: String(seq) });
  }, 60_000);

  test('what can not be read, is invalid or reserved is refused, and changes nothing', async () => {
    const before = await rowsOf('acme');
    const [{ seq } = { seq: 0 }] = before.filter(({ status }) => status === 'quarantined');
    for (const [body, pointer] of [
      [{}, '/event'],
      [{ event: { ...corrected.event, outcome: 'perhaps' } }, '/event/outcome'],
      [{ event: { ...corrected.event, action: 'docket.log.searched' } }, '/event/action'],
    ] as const) {
      expect(await redrive('acme', seq, body)).toMatchObject({
        status: 422,
        body: { code: 'invalid_event', errors: [{ pointer }] },
      });
    }
    expect((await redrive('acme', seq, { events: [] })).body).toMatchObject({ code: 'invalid_body' });
    expect((await redrive('acme', 99_999, corrected)).status).toBe(404);
    expect((await redrive('globex', 1, corrected)).status).toBe(404);
    expect(await rowsOf('acme')).toEqual(before);
  }, 60_000);

  test('I5: it is for operators who may write, and tells nobody else whether there is such a record', async () => {
    const others = [
      await newKey(['acme'], ['events:read', 'events:write']),
      await newKey(['globex'], ['events:read', 'events:write']),
      await newKey('*', ['events:read']),
    ];
    for (const key of others) {
      for (const seq of [1, 99_999]) {
        const { status, body } = await redrive('acme', seq, corrected, key);
        expect([status, ['view_not_allowed', 'insufficient_scope'].includes(String(body['code']))]).toEqual([
          403,
          true,
        ]);
      }
    }
  }, 60_000);

  test('I5: where the record lay, the log does not say into which other tenant’s it was redriven', async () => {
    const [{ seq } = { seq: 0 }] = (await rowsOf('acme')).filter(({ status }) => status === 'quarantined');
    const moved = await redrive('acme', seq, { event: eventInput('initech', { action: 'document.moved' }) });
    expect(moved).toMatchObject({ status: 200, body: { tenant_id: 'initech', status: 'published' } });
    await eventually(async () => (await rowsOf('initech')).length === 1, { what: 'the event in the other log' });
    const told = await eventually(
      async () => {
        const rows = await world.clickhouse.query(
          `SELECT * FROM audit_events WHERE tenant_id = 'acme' AND metadata['to'] = 'another log'`,
        );
        return rows.length > 0 ? JSON.stringify(rows) : undefined;
      },
      { what: 'the redrive in the log of acme' },
    );
    expect(told).toContain('docket.log.redriven');
    expect(told).not.toContain('initech');
    expect(told).not.toContain(String(moved.body['id']));
  }, 60_000);

  test('is told in the log where the record lay, and docket verify agrees with all of it', async () => {
    const told = (log: string) =>
      eventually(
        async () => {
          const rows = await world.clickhouse.query<{ to: string; corrected: string }>(
            `SELECT metadata['to'] AS to, metadata['corrected'] AS corrected FROM audit_events
             WHERE tenant_id = {log:String} AND action = 'docket.log.redriven' AND status = 'accepted' ORDER BY seq`,
            { log },
          );
          return rows.length > 0 ? rows : undefined;
        },
        { what: `the redrive in ${log}` },
      );
    expect((await told('docket.operators'))[0]).toEqual({ to: 'acme', corrected: 'yes' });
    expect((await told('acme'))[0]).toEqual({ to: 'acme', corrected: 'no' });
    const { output } = await runDocket(['verify'], world.env);
    expect(output).toMatch(/I2, I3, I4 hold$/);
  }, 60_000);
});
