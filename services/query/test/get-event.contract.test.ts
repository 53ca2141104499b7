import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newEventId } from '@docket/event';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
let acme: string;

beforeAll(async () => {
  world = await createQueryWorld();
  acme = world.key(['acme']);
});
afterAll(() => world.close());

describe('GET /v1/events/{id}', () => {
  test('gives the event; upper case and an explicit tenant are the same', async () => {
    const id = newEventId();
    await world.store([{ id, seq: 4, action: 'a.b' }]);
    for (const path of [`/v1/events/${id}`, `/v1/events/${id.toUpperCase()}?tenant_id=acme`]) {
      const { status, body } = await world.get(path, acme);
      expect([status, body['id'], body['seq'], body['action']]).toEqual([200, id, 4, 'a.b']);
    }
  });

  test('gives the accepted row of the lowest seq, and the others under occurrences', async () => {
    const id = newEventId();
    await world.store([
      { id, seq: 12, status: 'conflict', action: 'other.content' },
      { id, seq: 10, action: 'first' },
      { id, seq: 11, status: 'duplicate', action: 'first' },
      { id, seq: 13, status: 'quarantined', action: '' },
    ]);
    const { body } = await world.get(`/v1/events/${id}`, acme);
    expect(body).toMatchObject({
      seq: 10,
      occurrences: [
        { seq: 11, status: 'duplicate' },
        { seq: 12, status: 'conflict', action: 'other.content' },
      ],
    });
    const seen = await world.get(`/v1/events/${id}?tenant_id=acme`, world.key('*'));
    expect(seen.body['occurrences']).toHaveLength(3);
  });

  test('waits until the event can be read', async () => {
    const id = newEventId();
    const startedAtMs = performance.now();
    const waiting = world.get(`/v1/events/${id}?wait=20`, acme);
    await pause(700);
    await world.store([{ id, seq: 20 }]);
    const { status, body } = await waiting;
    expect([status, body['seq']]).toEqual([200, 20]);
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  }, 30_000);

  test('is 404 after the wait, at once without one, and for what is no id', async () => {
    const startedAtMs = performance.now();
    expect((await world.get(`/v1/events/${newEventId()}?wait=1`, acme)).body['code']).toBe('not_found');
    expect(performance.now() - startedAtMs).toBeGreaterThan(990);
    expect((await world.get(`/v1/events/${newEventId()}`, acme)).status).toBe(404);
    expect((await world.get('/v1/events/not-an-id', acme)).status).toBe(404);
    expect((await world.get('/v1/events/00000000-0000-0000-0000-000000000000', acme)).status).toBe(404);
  });

  test('I7: more waiters than a tenant has places for reads all get their answer', async () => {
    const ids = Array.from({ length: 10 }, () => newEventId());
    const waiting = Promise.all(ids.map(async (id) => (await world.get(`/v1/events/${id}?wait=20`, acme)).status));
    await pause(300);
    await world.store(ids.map((id, index) => ({ id, seq: 100 + index })));
    expect(new Set(await waiting)).toEqual(new Set([200]));
  }, 30_000);

  test.each(['wait=31', 'wait=-1', 'wait=x', 'wait=1&wait=2', 'waits=1'])('%s is refused', async (query) => {
    expect((await world.get(`/v1/events/${newEventId()}?${query}`, acme)).status).toBe(400);
  });
});

describe('GET /v1/feed', () => {
  beforeAll(() =>
    world.store(
      [1, 2, 3, 4, 5, 6, 8].map((seq) => ({
        tenant_id: 'fed',
        seq,
        action: `e.${seq}`,
        ...(seq === 3 ? { status: 'duplicate' as const } : {}),
        ...(seq === 5 ? { status: 'quarantined' as const } : {}),
      })),
    ),
  );

  test('gives the log in seq order, every seq accounted for, up to the first missing one', async () => {
    const fed = world.key(['fed']);
    const first = await world.get('/v1/feed?limit=4', fed);
    expect(first.body).toMatchObject({ next_after: 4, complete_through: 8, first_seq: 1, skipped: { duplicate: 1 } });
    expect(first.body.data?.map((event) => event['seq'])).toEqual([1, 2, 4]);
    const second = await world.get('/v1/feed?after=4', fed);
    expect(second.body.data?.map((event) => event['seq'])).toEqual([6]);
    expect(second.body).toMatchObject({ next_after: 6, skipped: { quarantined: 1 } });
    expect(Date.parse(String(second.body['as_of']))).toBeGreaterThan(0);
    expect((await world.get('/v1/feed?after=latest', fed)).body).toMatchObject({ data: [], next_after: 8 });
    expect((await world.get('/v1/feed?after=900', fed)).body).toMatchObject({ data: [], next_after: 900 });
  });

  test('gives what q asks for, and counts what q leaves out', async () => {
    const { body } = await world.get('/v1/feed?q=action:e.2+OR+action:e.6', world.key(['fed']));
    expect(body.data?.map((event) => event['seq'])).toEqual([2, 6]);
    expect(body).toMatchObject({ next_after: 6, skipped: { filtered: 2, duplicate: 1, quarantined: 1 } });
    const refused = await world.get('/v1/feed?q=status:duplicate', world.key(['fed']));
    expect(refused.body['errors']).toEqual([expect.objectContaining({ parameter: 'q', position: 8 })]);
  });

  test('passes on the values of changes as they were recorded, where a number of JSON is more than one of ours', async () => {
    const changes = {
      'changes.path': ['a', 'b'],
      'changes.old': ['1.0', null],
      'changes.new': ['[12345678901234567890]', '1e2'],
    };
    await world.store([{ tenant_id: 'numbers', seq: 1, ...changes }]);
    const headers = { authorization: world.key(['numbers']) };
    const text = await (await fetch(`${world.url}/v1/feed`, { headers })).text();
    expect(text).toContain('[{"path":"a","old":1.0,"new":[12345678901234567890]},{"path":"b","new":1e2}]');
  });

  test('begins with what was received at a time, or later', async () => {
    const day = 24 * 60 * 60 * 1_000;
    const arrived = [3, 2, 1].map((days, index) => ({
      tenant_id: 'dated',
      seq: index + 1,
      received_at: Date.now() - days * day,
    }));
    await world.store(arrived);
    const dated = world.key(['dated']);
    const since = async (time: string): Promise<unknown> =>
      (await world.get(`/v1/feed?since=${encodeURIComponent(time)}`, dated)).body.data?.map((event) => event['seq']);
    expect(await since('-60h')).toEqual([2, 3]);
    expect(await since(new Date(arrived[2]?.received_at ?? 0).toISOString())).toEqual([3]);
    expect(await since('-30d')).toEqual([1, 2, 3]);
    expect(await since('-1h')).toEqual([]);
    expect((await world.get('/v1/feed?since=-1h', dated)).body).toMatchObject({ next_after: 3, complete_through: 3 });
  });

  test('waits until there is something behind after', async () => {
    const waited = world.key(['waited']);
    await world.store([{ tenant_id: 'waited', seq: 1 }]);
    const answer = world.get('/v1/feed?after=latest&wait=20', waited);
    await pause(300);
    await world.store([{ tenant_id: 'waited', seq: 2 }]);
    expect((await answer).body.data?.map((event) => event['seq'])).toEqual([2]);
  }, 30_000);

  test('is empty when nothing has come while it waited', async () => {
    const beganAtMs = performance.now();
    const { status, body } = await world.get('/v1/feed?after=latest&wait=1', world.key(['fed']));
    expect([status, body.data, body['next_after']]).toEqual([200, [], 8]);
    expect(performance.now() - beganAtMs).toBeGreaterThanOrEqual(1_000);
  });

  test('is empty for a log without rows', async () => {
    const { body } = await world.get('/v1/feed', world.key(['nobody']));
    expect(body).toMatchObject({ data: [], next_after: 0, complete_through: 0, first_seq: 1 });
  });

  test('is 410 with first_seq below what the log still holds', async () => {
    await world.clickhouse.command(
      `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq, head_offset, head_id, head_received_at)
       VALUES (1, 0, 'cut', 5, 5, 50, '0199f3c2-0000-7000-8000-00000000000a', '2026-11-01 00:00:00')`,
    );
    await world.store([{ tenant_id: 'cut', seq: 5 }]);
    const cut = world.key(['cut']);
    const gone = await world.get('/v1/feed?after=3&wait=30', cut);
    expect([gone.status, gone.body['code'], gone.body['first_seq']]).toEqual([410, 'cursor_expired', 5]);
    expect((await world.get('/v1/feed?after=4', cut)).body).toMatchObject({ next_after: 5, first_seq: 5 });
    expect((await world.get('/v1/feed', cut)).body.data).toHaveLength(1);
  });

  test.each([
    'after=-1',
    'after=x',
    'after=latest&after=1',
    'limit=1001',
    'from=1',
    'wait=31',
    'since=x',
    'since=-1h&after=3',
  ])('%s is refused', async (query) => {
    expect((await world.get(`/v1/feed?${query}`, world.key(['fed']))).status).toBe(400);
  });
});

describe('a request that waits shows nothing once its credential has ended', () => {
  const id = newEventId();
  const paths = [`/v1/events/${id}?wait=20`, '/v1/feed?after=latest&wait=20'];

  test.each(paths)(
    '401 when its key was revoked: %s',
    async (path) => {
      const tenantId = `waiting-${newEventId()}`;
      const key = world.key([tenantId]);
      const waiting = world.get(path, key);
      await pause(300);
      world.changeKey(key, { revoked_at: '2026-11-02T00:00:00.000Z' });
      await world.store([{ id, tenant_id: tenantId, seq: 1 }]);
      const { status, body } = await waiting;
      expect([status, body['code'], body.data]).toEqual([401, 'unauthenticated', undefined]);
      expect(world.readings.filter(({ log }) => log === tenantId)).toEqual([]);
    },
    30_000,
  );

  test.each(paths)(
    '401 as soon as its viewer token has expired: %s',
    async (path) => {
      const key = world.key([`waiting-${newEventId()}`]);
      const beganAtMs = performance.now();
      const { status } = await world.get(path, await world.viewer(key, { view: 'admin', ttl_seconds: 2 }));
      expect(status).toBe(401);
      expect(performance.now() - beganAtMs).toBeLessThan(10_000);
    },
    30_000,
  );
});

test('GET /v1/whoami says what the key may do, whatever its scope', async () => {
  const { body } = await world.get('/v1/whoami', world.key(['a', 'b'], ['events:write']));
  expect(body).toEqual({
    credential: 'key',
    key_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    scopes: ['events:write'],
    tenants: ['a', 'b'],
    view: 'tenant',
  });
  expect((await world.get('/v1/whoami')).status).toBe(401);
});
