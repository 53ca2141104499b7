import { readdir } from 'node:fs/promises';
import { newEventId } from '@docket/event';
import {
  createKeyring,
  createWorld,
  eventInput,
  eventRecord,
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

beforeAll(async () => {
  world = await createWorld();
  keyring = createKeyring(world);
  await publishRecords(world, [eventRecord(world, eventInput('acme')), eventRecord(world, eventInput('globex'))]);
  [ingestor, query] = await Promise.all([startService('ingestor', world.env), startQuery()]);
  await eventually(
    async () => (await world.clickhouse.query<{ n: number }>('SELECT count() AS n FROM audit_events'))[0]?.n === 2,
    { what: 'the storing of two events' },
  );
}, 180_000);

afterAll(async () => {
  await Promise.all([query?.stop(), ingestor?.stop()]);
  await keyring?.close();
  await world?.close();
}, 120_000);

/** Nothing listens there. */
const nobody = 'http://127.0.0.1:1';

function startQuery(env: Record<string, string> = {}, until: 'ready' | 'listening' = 'ready'): Promise<ServiceProcess> {
  return startService('query', { ...world.env, TRUSTED_PROXY_HOPS: '0', ...env }, { until });
}

interface Key {
  readonly id: string;
  readonly authorization: string;
}

async function newKey(tenants: readonly string[] | '*' = ['acme']): Promise<Key> {
  const { entity, authorization } = await keyring.make({ tenants: tenants === '*' ? tenants : [...tenants] });
  await eventually(async () => (await get('/v1/whoami', authorization)).status === 200, { what: 'the key is known' });
  return { id: entity.id, authorization };
}

async function get(path: string, authorization: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${query.url}${path}`, { headers: { authorization, ...headers } });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers };
}

interface TrailRow {
  readonly log: string;
  readonly seq: number;
  readonly status: string;
  readonly action: string;
  readonly reads: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly user_agent: string;
}

const trailOf = (key: Key): Promise<TrailRow[]> =>
  world.clickhouse.query<TrailRow>(
    `SELECT tenant_id AS log, seq, toString(status) AS status, action, toUInt32OrZero(metadata['reads']) AS reads, metadata, ip, user_agent
     FROM audit_events WHERE actor_id = {id:String} AND status != 'duplicate' ORDER BY seq`,
    { id: key.id },
  );

/** The rows that tell what a key has read, once they stand for so many readings. */
const untilTold = (key: Key, reads: number): Promise<TrailRow[]> =>
  eventually(
    async () => {
      const rows = await trailOf(key);
      return rows.reduce((sum, row) => sum + row.reads, 0) >= reads ? rows : undefined;
    },
    { what: `the telling of ${reads} readings`, deadlineMs: 60_000 },
  );

const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${query.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
};

async function restartQuery(env: Record<string, string> = {}): Promise<void> {
  await query.stop();
  query = await startQuery(env);
}

describe('the access trail', () => {
  test('each way of reading is told once at once, in the log that was read, with who, what and from where', async () => {
    const key = await newKey();
    const { text } = await get('/v1/events?action=document.*', key.authorization, { 'user-agent': 'test/1' });
    const [{ id = '' } = {}] = (JSON.parse(text) as { data: { id?: string }[] }).data;
    const paths = [
      `/v1/events/${id}`,
      '/v1/events/histogram',
      '/v1/events/facets?field=action',
      '/v1/feed?after=0',
      // Once more, as another search and as the same.
      '/v1/events?outcome=failure',
      '/v1/events?outcome=failure',
    ];
    for (const path of paths) expect((await get(path, key.authorization)).status).toBe(200);
    const rows = await untilTold(key, 6);
    expect(rows.map(({ action }) => action).toSorted()).toEqual([
      'docket.log.counted',
      'docket.log.counted',
      'docket.log.event_viewed',
      'docket.log.fed',
      'docket.log.searched',
      'docket.log.searched',
    ]);
    expect(new Set(rows.map(({ log, status }) => `${log} ${status}`))).toEqual(new Set(['acme accepted']));
    expect(rows.find(({ metadata }) => metadata['search']?.includes('document.*'))).toMatchObject({
      ip: '127.0.0.1',
      user_agent: 'test/1',
      metadata: { reads: '1', results: '1', search: expect.stringContaining('action:document.*') },
    });
  }, 120_000);

  test('a search of which the view makes a very long one is told, marked as cut, and does not stop what is read after it', async () => {
    const [key, other] = [await newKey(), await newKey()];
    const actors = Array.from({ length: 5 }, (_, n) => ({ actor: { type: 'user', id: `${n}`.padEnd(256, '€') } }));
    const response = await fetch(`${query.url}/v1/viewer-tokens`, {
      method: 'POST',
      headers: { authorization: key.authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ view: 'user', any_of: actors, viewer: { type: 'api_key', id: key.id } }),
    });
    const { token } = (await response.json()) as { token: string };
    const q = Array.from({ length: 40 }, (_, n) => `-session_id:${n}`).join(' ');
    const answer = await get(`/v1/events?q=${encodeURIComponent(q)}`, `Bearer ${token}`);
    expect(answer.status).toBe(200);
    expect((await get('/v1/events', other.authorization)).status).toBe(200);
    const [row] = await untilTold(key, 1);
    expect(Number(row?.metadata['search_bytes'])).toBeGreaterThan(124 * 1024);
    expect(row?.metadata['search_sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(await untilTold(other, 1)).toHaveLength(1);
  }, 120_000);

  test('reading the trail is a reading like any other: it tells itself once, and no more', async () => {
    const key = await newKey();
    for (let n = 0; n < 5; n += 1) await get('/v1/events?action=docket.log.*', key.authorization);
    await untilTold(key, 1);
    expect((await get('/v1/events?action=docket.log.*', key.authorization)).text).toContain(key.id);
    expect(await trailOf(key)).toHaveLength(1);
  }, 60_000);

  test('nothing that a caller says switches it off, an operator included', async () => {
    const key = await newKey('*');
    const silent = { prefer: 'no-trail', 'x-docket-trail': 'off', dnt: '1' };
    await get('/v1/events?tenant_id=globex', key.authorization, silent);
    expect(await untilTold(key, 1)).toMatchObject([{ log: 'globex', action: 'docket.log.searched' }]);
    expect((await get('/v1/events?tenant_id=globex&trail=off', key.authorization)).status).toBe(400);
  }, 60_000);

  test('repeats are counted and told when the window is over, and at a clean stop; the sum is the number of readings', async () => {
    await restartQuery({ TRAIL_WINDOW_SECONDS: '2' });
    const key = await newKey();
    for (let n = 0; n < 7; n += 1) expect((await get('/v1/feed?after=0', key.authorization)).status).toBe(200);
    const rows = await untilTold(key, 7);
    expect(rows.reduce((sum, { reads }) => sum + reads, 0)).toBe(7);
    expect(rows[0]).toMatchObject({ reads: 1 });
    expect(
      rows.slice(1).every(({ metadata }) => (metadata['repeats_of'] ?? '') !== '' || metadata['reads'] === '1'),
    ).toBe(true);

    await restartQuery();
    const other = await newKey();
    for (let n = 0; n < 4; n += 1) await get('/v1/feed?after=0', other.authorization);
    await query.stop();
    expect((await untilTold(other, 4)).map(({ reads }) => reads)).toEqual([1, 3]);
    expect(await readdir(world.env['TRAIL_SPOOL_DIR'] ?? '')).toEqual([]);
    query = await startQuery();
  }, 120_000);

  test('what cannot be told waits on disk; killed with SIGKILL, the next process tells each reading exactly once', async () => {
    await query.stop();
    query = await startQuery({ SCHEMA_REGISTRY_URL: nobody }, 'listening');
    const key = await newKey();
    for (let n = 0; n < 12; n += 1)
      expect((await get(`/v1/events?actor_id=u_${n % 4}`, key.authorization)).status).toBe(200);
    expect(await metric('docket_query_trail_windows')).toBe(4);
    await query.kill('SIGKILL');
    expect(await trailOf(key)).toEqual([]);
    query = await startQuery();
    const rows = await untilTold(key, 12);
    expect(rows.map(({ reads }) => reads).toSorted((a, b) => a - b)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    expect(query.logs.some((line) => line.includes('trail.taken_over'))).toBe(true);
  }, 120_000);

  test('with the spool full nothing is read: 503, and again when there is room', async () => {
    await query.stop();
    query = await startQuery({ SCHEMA_REGISTRY_URL: nobody, TRAIL_SPOOL_BYTES_MAX: String(16 * 1024) }, 'listening');
    const keys: { key: Key; answered: number }[] = [];
    /** Reads as somebody new, in a log of its own, until that is refused. */
    const fillShare = async () => {
      const one = { key: await newKey([`reader-${keys.length}`]), answered: 0 };
      keys.push(one);
      for (;;) {
        const answer = await get(`/v1/events?actor_id=u_${one.answered}`, one.key.authorization);
        if (answer.status !== 200) return answer;
        one.answered += 1;
      }
    };
    const share = await fillShare();
    expect([share.status, JSON.parse(share.text)]).toMatchObject([429, { code: 'rate_limited' }]);
    const refusal = await eventually(
      async () => {
        const answer = await fillShare();
        return answer.status === 429 ? undefined : answer;
      },
      { what: 'a full spool', intervalMs: 1, deadlineMs: 60_000 },
    );
    expect([refusal.status, JSON.parse(refusal.text)]).toMatchObject([503, { code: 'trail_unavailable' }]);
    expect(refusal.headers.get('retry-after')).toBeTruthy();
    expect(refusal.text).not.toContain('next_cursor');
    expect(keys[0]?.answered).toBeGreaterThan(5);
    expect(keys[1]?.answered).toBeGreaterThan(1);
    expect(await metric('docket_query_trail_refused_total')).toBe(1);
    expect(await metric('docket_query_trail_spool_bytes')).toBeLessThanOrEqual(16 * 1024);
    await query.stop();
    query = await startQuery();
    for (const { key, answered } of keys) {
      expect((await get('/v1/events?actor_id=u_0', key.authorization)).status).toBe(200);
      expect(await untilTold(key, answered + 1)).toHaveLength(answered + 1);
    }
  }, 120_000);

  test('docket verify finds every event of the trail in its place', async () => {
    await publishRecords(world, [
      eventRecord(world, eventInput('acme', { id: newEventId(), action: 'docket.log.fed' })),
    ]);
    const forged = await eventually(
      async () =>
        (
          await world.clickhouse.query<{ n: number }>(
            `SELECT count() AS n FROM audit_events WHERE tenant_id = 'acme' AND status = 'quarantined' AND startsWith(status_detail, 'reserved')`,
          )
        )[0]?.n || undefined,
      { what: 'the quarantine of a forged event' },
    );
    expect(forged).toBe(1);
    const { output } = await runDocket(['verify'], world.env);
    expect(output).toMatch(/I2, I3, I4 hold$/);
  }, 60_000);
});
