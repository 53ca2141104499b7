import { newEventId, nilId } from '@docket/event';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
let operator: string;
let acme: string;
const delivered = newEventId();
const untried = newEventId();

const quarantined = (tenantId: string, seq: number, detail = `undecodable: bytes of ${tenantId}`) => ({
  tenant_id: tenantId,
  seq,
  id: nilId,
  status: 'quarantined' as const,
  status_detail: detail,
  action: '',
  actor_id: '',
  raw: Buffer.from(`raw of ${tenantId} ${seq}`),
  src_partition: 3,
  src_offset: 100 + seq,
});

beforeAll(async () => {
  world = await createQueryWorld();
  operator = world.key('*');
  acme = world.key(['acme']);
  await world.store([
    { id: delivered, seq: 1, src_partition: 5, src_offset: 41 },
    { id: delivered, seq: 2, status: 'duplicate', src_partition: 5, src_offset: 43 },
    { id: untried, seq: 3 },
    ...[4, 5, 6, 7, 8].map((seq) => quarantined('acme', seq)),
    quarantined('globex', 1),
    quarantined('!p3', 1, 'invalid: /action must match: dots'),
    { ...quarantined('late', 1), received_at: Date.UTC(2026, 10, 1, 0, 0, 1) },
    { tenant_id: '!p3', seq: 2, status: 'rerouted', status_detail: 'to acme' },
    { tenant_id: 'globex', seq: 2, id: delivered },
  ]);
  // received_at of these rows is 2026-11-01.
  const attempt = (tenant: string, n: number, range: string, outcome: string, answer: string): string =>
    `(generateUUIDv4(), '${tenant}', 'sub-of-${tenant}-${n}', ${range}, 1, 10, ${n}, '2026-11-01 00:00:0${n}', 5, '${outcome}', ${outcome === 'delivered' ? 200 : 503}, '', '${answer}')`;
  await world.clickhouse.command(
    `INSERT INTO delivery_attempts (attempt_id, tenant_id, subscription_id, from_seq, to_seq, event_count, body_bytes, try, started_at, duration_ms, outcome, http_status, error, answer_excerpt) VALUES ${[
      attempt('acme', 1, '1, 2', 'retry', 'busy acme'),
      attempt('acme', 1, '1, 2', 'delivered', 'thanks acme')
        .replace(', 1, 10, 1,', ', 1, 10, 2,')
        .replace('00:01', '00:02'),
      attempt('acme', 2, '2, 9', 'retry', 'other range'),
      attempt('acme', 3, '4, 9', 'delivered', 'not about it'),
      attempt('globex', 1, '1, 9', 'delivered', 'marker of globex'),
    ].join(', ')}`,
  );
}, 60_000);
afterAll(() => world?.close());

describe('GET /v1/events/{id}/trace', () => {
  test('knows of each subscription whether it was delivered, however often others, or it, have tried before', async () => {
    const id = newEventId();
    await world.store([{ id, tenant_id: 'tried', seq: 1 }]);
    const tries = (subscription: string, count: number, outcome: string, from: string): string =>
      `SELECT generateUUIDv4(), 'tried', '${subscription}', 1, 1, 1, 10, number + 1, toDateTime64('${from}', 3, 'UTC') + number, 5, '${outcome}', 503, '', ''
       FROM numbers(${count})`;
    await world.clickhouse.command(
      `INSERT INTO delivery_attempts (attempt_id, tenant_id, subscription_id, from_seq, to_seq, event_count, body_bytes, try, started_at, duration_ms, outcome, http_status, error, answer_excerpt)
       SELECT * FROM (${[
         tries('sub-a', 1_500, 'retry', '2026-11-01 00:00:00'),
         tries('sub-a', 1, 'delivered', '2026-11-01 01:00:00'),
         tries('sub-a', 1_500, 'retry', '2026-11-01 02:00:00'),
         tries('sub-b', 3, 'retry', '2026-11-01 00:00:00'),
         tries('sub-b', 1, 'delivered', '2026-11-01 01:00:00'),
       ].join(' UNION ALL ')})`,
    );
    const { status, body } = await world.get(`/v1/events/${id}/trace`, world.key(['tried']));
    expect(status).toBe(200);
    const of = body['subscriptions'] as {
      subscription_id: string;
      is_delivered: boolean;
      attempts: { at: string }[];
    }[];
    expect(of.map((one) => [one.subscription_id, one.is_delivered, one.attempts.length])).toEqual([
      ['sub-a', true, 996],
      ['sub-b', true, 4],
    ]);
    for (const { attempts } of of) expect(attempts).toEqual(attempts.toSorted((a, b) => (a.at < b.at ? -1 : 1)));
    expect(of[0]?.attempts.at(-1)).toMatchObject({ try: 1_500, outcome: 'retry' });
    expect(of[0]?.attempts[0]).toMatchObject({ outcome: 'delivered' });
    expect(body['has_more_attempts']).toBe(true);
  });

  test('says where an event is stored, how often, and what each subscription came to', async () => {
    const { status, body } = await world.get(`/v1/events/${delivered}/trace`, acme);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: delivered,
      tenant_id: 'acme',
      seq: 1,
      status: 'accepted',
      received_at: '2026-11-01T00:00:00.000Z',
      occurrences: [{ seq: 2, status: 'duplicate', received_at: '2026-11-01T00:00:00.000Z' }],
      subscriptions: [
        {
          subscription_id: 'sub-of-acme-1',
          is_delivered: true,
          attempts: [
            expect.objectContaining({ try: 1, outcome: 'retry', http_status: 503, answer_excerpt: 'busy acme' }),
            expect.objectContaining({ try: 2, outcome: 'delivered', http_status: 200, from_seq: 1, to_seq: 2 }),
          ],
        },
        { subscription_id: 'sub-of-acme-2', is_delivered: false, attempts: [expect.objectContaining({ from_seq: 2 })] },
      ],
      has_more_attempts: false,
    });
    expect(world.readings.at(-1)).toMatchObject({ kind: 'event_traced', log: 'acme', eventId: delivered });
  });

  test('says to operators, and to nobody else, where each row lies in Kafka', async () => {
    const { body } = await world.get(`/v1/events/${delivered}/trace?tenant_id=acme`, operator);
    expect(body).toMatchObject({
      source: { generation: 1, partition: 5, offset: 41 },
      occurrences: [{ seq: 2, source: { generation: 1, partition: 5, offset: 43 } }],
    });
    const admin = await world.viewer(acme, { view: 'admin' });
    for (const key of [acme, admin, world.key(['acme', 'globex'])]) {
      const answer = await world.get(`/v1/events/${delivered}/trace?tenant_id=acme`, key);
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer.body)).not.toMatch(/source|partition|offset/);
    }
  });

  test('of an event that nobody has tried to deliver has no subscriptions but those that passed over it', async () => {
    const { body } = await world.get(`/v1/events/${untried}/trace`, acme);
    expect(body['subscriptions']).toMatchObject([{ subscription_id: 'sub-of-acme-2' }]);
  });

  test('I5: shows nothing of another tenant, nor that the id is there', async () => {
    for (const path of [`/v1/events/${delivered}/trace`, `/v1/events/${delivered}/trace?tenant_id=acme`]) {
      const text = JSON.stringify((await world.get(path, acme)).body);
      expect(text).toContain('busy acme');
      expect(text).not.toContain('globex');
      expect(text).not.toContain('src_');
    }
    const foreign = await world.get(`/v1/events/${untried}/trace`, world.key(['globex']));
    const unknown = await world.get(`/v1/events/${newEventId()}/trace`, world.key(['globex']));
    expect([foreign.status, foreign.body['code']]).toEqual([404, 'not_found']);
    expect([unknown.status, unknown.body['code']]).toEqual([404, 'not_found']);
    expect((await world.get(`/v1/events/${delivered}/trace?tenant_id=globex`, acme)).status).toBe(403);
  });

  test('is not for the view user, and not without a credential', async () => {
    const user = await world.viewer(acme, { view: 'user', any_of: [{ actor: { type: 'user', id: 'u_1' } }] });
    const refused = await world.get(`/v1/events/${delivered}/trace`, user);
    expect([refused.status, refused.body['code']]).toEqual([403, 'view_not_allowed']);
    expect((await world.get(`/v1/events/${delivered}/trace`)).status).toBe(401);
    expect((await world.get('/v1/events/not-a-uuid/trace', acme)).status).toBe(404);
    expect((await world.get(`/v1/events/${delivered}/trace?wait=1`, acme)).status).toBe(400);
  });
});

describe('GET /v1/quarantine', () => {
  test('shows operators what could not be read, why, where it lies, and its bytes', async () => {
    const { status, body } = await world.get('/v1/quarantine?tenant_id=!p3', operator);
    expect(status).toBe(200);
    expect(body).toEqual({
      data: [
        {
          tenant_id: '!p3',
          seq: 1,
          received_at: '2026-11-01T00:00:00.000Z',
          reason: 'invalid',
          detail: '/action must match: dots',
          schema_id: 1,
          source: { generation: 1, partition: 3, offset: 101 },
          raw: Buffer.from('raw of !p3 1').toString('base64'),
        },
      ],
      next_cursor: null,
    });
    expect(world.readings.at(-1)).toMatchObject({ kind: 'quarantine_listed', log: '!p3', results: 1 });
  });

  /** Which records the pages from this one on show. */
  async function pagedFrom(first: string): Promise<unknown[]> {
    const found: unknown[] = [];
    let path: string | undefined = first;
    while (path !== undefined) {
      const answer = await world.get(path, operator);
      found.push(...(answer.body.data ?? []).map(({ tenant_id: log, seq }) => `${String(log)} ${String(seq)}`));
      path = /^<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1];
      expect(path === undefined).toBe(answer.body['next_cursor'] === null);
    }
    return found;
  }

  test('pages by seq, newest first, without a hole or a repeat', async () => {
    expect(await pagedFrom('/v1/quarantine?tenant_id=acme&limit=2')).toEqual(
      [8, 7, 6, 5, 4].map((seq) => `acme ${seq}`),
    );
  });

  test.each([1, 2, 3, 7, 100])('of all logs pages by time, log and seq, %i a page', async (limit) => {
    expect(await pagedFrom(`/v1/quarantine?tenant_id=*&limit=${limit}`)).toEqual([
      'late 1',
      '!p3 1',
      ...[8, 7, 6, 5, 4].map((seq) => `acme ${seq}`),
      'globex 1',
    ]);
  });

  test('of all logs shows each record as the list of its own log does', async () => {
    const all = (await world.get('/v1/quarantine?tenant_id=*', operator)).body.data ?? [];
    for (const log of ['acme', 'globex', '!p3']) {
      const own = (await world.get(`/v1/quarantine?tenant_id=${log}`, operator)).body.data;
      expect(all.filter(({ tenant_id: of }) => of === log)).toEqual(own);
    }
  });

  test('of all logs is told in each log that it shows something of, and in the operators’', async () => {
    const before = world.readings.length;
    expect((await world.get('/v1/quarantine?tenant_id=*&limit=3', operator)).status).toBe(200);
    const reading = { kind: 'quarantine_listed', question: '*', asked: { logs: 'all' }, eventId: null };
    // I5: a tenant reads the one about its log, which names no other.
    expect(world.readings.slice(before)).toMatchObject([
      { ...reading, log: '*', results: 3 },
      { ...reading, log: 'late', results: 1 },
      { ...reading, log: '!p3', results: 1 },
      { ...reading, log: 'acme', results: 1 },
    ]);
    const behind = world.readings.length;
    const cursor = `${Date.UTC(2026, 9, 1)}.1.a`;
    const { body } = await world.get(`/v1/quarantine?tenant_id=*&cursor=${cursor}`, operator);
    expect(body.data).toEqual([]);
    expect(world.readings.slice(behind)).toMatchObject([{ log: '*', results: 0 }]);
  });

  test.each(['/v1/events', '/v1/feed', '/v1/export', '/v1/ledger', '/v1/tail', `/v1/events/${delivered}`])(
    'every other read needs one log: %s',
    async (path) => {
      const { status, body } = await world.get(`${path}?tenant_id=*`, operator);
      expect([status, body['code']]).toEqual([400, 'invalid_request']);
    },
  );

  test('I5: a page of one log holds nothing of another', async () => {
    const text = JSON.stringify((await world.get('/v1/quarantine?tenant_id=acme', operator)).body);
    expect(text).toContain(Buffer.from('raw of acme 4').toString('base64'));
    for (const foreign of ['globex', '!p3']) {
      expect(text).not.toContain(foreign);
      expect(text).not.toContain(Buffer.from(`raw of ${foreign}`).toString('base64').slice(0, 12));
    }
  });

  test.each<[string, () => Promise<string> | string, string]>([
    ['a key of the tenant itself', () => acme, 'view_not_allowed'],
    ['an operator’s key that may not read', () => world.key('*', ['admin']), 'insufficient_scope'],
    ['a viewer token', () => world.viewer(acme, { view: 'admin' }), 'view_not_allowed'],
  ])('is not for %s', async (_name, credential, code) => {
    for (const log of ['acme', '*']) {
      const { status, body } = await world.get(`/v1/quarantine?tenant_id=${log}`, await credential());
      expect([status, body['code']]).toEqual([403, code]);
      expect(JSON.stringify(body)).not.toContain('raw');
    }
  });

  test.each([
    ['?limit=0&tenant_id=acme', 'invalid_request'],
    ['?cursor=x&tenant_id=acme', 'invalid_cursor'],
    ['?cursor=1.2.acme&tenant_id=acme', 'invalid_cursor'],
    ['?cursor=5&tenant_id=*', 'invalid_cursor'],
    ['?cursor=1.x.acme&tenant_id=*', 'invalid_cursor'],
    ['?tenant_id=**', 'invalid_request'],
    ['?tenant_id=!p', 'invalid_request'],
    ['?tenant=acme', 'invalid_request'],
    ['', 'tenant_required'],
  ])('%s is %s', async (query, code) => {
    const { status, body } = await world.get(`/v1/quarantine${query}`, operator);
    expect([status, body['code']]).toEqual([400, code]);
  });
});

describe('a stray log', () => {
  test.each(['/v1/events?status=quarantined&', '/v1/events/facets?field=status&status=rerouted&', '/v1/feed?'])(
    'can be read by operators, and by nobody else: %s',
    async (path) => {
      const answer = await world.get(`${path}tenant_id=!p3`, operator);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(world.readings.at(-1)).toMatchObject({ log: '!p3' });
      const refused = await world.get(`${path}tenant_id=!p3`, acme);
      expect([refused.status, refused.body['code']]).toEqual([400, 'invalid_request']);
    },
  );

  test('shows its rows by status, and counts them', async () => {
    const page = await world.get('/v1/events?tenant_id=!p3&status=quarantined&status=rerouted', operator);
    expect(page.body.data?.map(({ seq, status }) => [seq, status]).toSorted()).toEqual([
      [1, 'quarantined'],
      [2, 'rerouted'],
    ]);
    expect((await world.get('/v1/feed?tenant_id=!p3', operator)).body).toMatchObject({
      data: [],
      skipped: { quarantined: 1, rerouted: 1 },
      complete_through: 2,
    });
  });
});
