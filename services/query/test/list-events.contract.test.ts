import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newEventId, type EventRow } from '@docket/event';
import { createQueryWorld, type Answer, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
let acme: string;

beforeAll(async () => {
  world = await createQueryWorld();
  acme = world.key(['acme']);
});
afterAll(() => world.close());

const micros = (text: string): number => Date.parse(text) * 1_000;
const actionsOf = ({ body }: Answer): unknown[] => (body.data ?? []).map((event) => event['action']);

describe('filters', () => {
  const rows: Partial<EventRow>[] = [
    {
      action: 'user.role.updated',
      occurred_at: micros('2026-11-01T00:00:09Z'),
      actor_id: 'u_1',
      actor_type: 'user',
      on_behalf_of_id: 'u_9',
      on_behalf_of_type: 'user',
      category: 'access',
      outcome: 'denied',
      operation: 'update',
      severity: 'high',
      source_service: 'billing',
      session_id: 's_1',
      request_id: 'r_1',
      trace_id: 't_1',
      ip: '203.0.113.7',
      'resources.type': ['role', 'user'],
      'resources.id': ['r:1', 'u_2'],
      'resources.name': ['', ''],
      'resources.metadata': [{}, {}],
      metadata: { plan: 'pro', 'a.b': "it's=\\x\u0000" },
    },
    {
      action: 'user.deleted',
      occurred_at: micros('2026-11-01T00:00:08Z'),
      actor_id: "o'brien \\ %_",
      ip: '2001:db8::5',
      session_id: 't_1',
    },
    {
      action: 'users.listed',
      occurred_at: micros('2026-11-01T00:00:07Z'),
      'resources.type': ['user'],
      'resources.id': ['r:1'],
      'resources.name': [''],
      'resources.metadata': [{}],
      metadata: { plan: 'free' },
    },
    { action: 'invoice.paid', occurred_at: micros('2026-11-01T00:00:06Z'), ip: '10.1.2.3', metadata: { other: 'pro' } },
    { action: 'old.thing', occurred_at: micros('1969-12-31T23:59:59Z') },
    { action: 'sent.twice', occurred_at: micros('2026-11-01T00:00:05Z'), status: 'duplicate' },
    { action: 'sent.otherwise', occurred_at: micros('2026-11-01T00:00:04Z'), status: 'conflict' },
    {
      action: '',
      occurred_at: micros('2026-11-01T00:00:03Z'),
      status: 'quarantined',
      raw: Buffer.from('SECRET-BYTES'),
    },
  ];
  const shown = ['user.role.updated', 'user.deleted', 'users.listed', 'invoice.paid', 'sent.otherwise', 'old.thing'];

  beforeAll(() =>
    world.store(rows.map((row, index) => ({ seq: index + 1, src_offset: index, actor_id: 'somebody', ...row }))),
  );

  test('without any: accepted and conflict, newest first', async () => {
    const answer = await world.get('/v1/events', acme);
    expect(answer.status).toBe(200);
    expect(actionsOf(answer)).toEqual(shown);
    expect(answer.body['next_cursor']).toBeNull();
    expect(answer.headers.get('link')).toBeNull();
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('an event is shown in full, in the form of the wire', async () => {
    const { body } = await world.get('/v1/events?actor_id=u_1', acme);
    expect(body.data?.[0]).toMatchObject({
      tenant_id: 'acme',
      seq: 1,
      occurred_at: '2026-11-01T00:00:09.000000Z',
      received_at: '2026-11-01T00:00:00.000Z',
      actor: { type: 'user', id: 'u_1' },
      on_behalf_of: { type: 'user', id: 'u_9' },
      resources: [
        { type: 'role', id: 'r:1' },
        { type: 'user', id: 'u_2' },
      ],
      context: { ip: '203.0.113.7', session_id: 's_1' },
      metadata: { plan: 'pro', 'a.b': "it's=\\x\u0000" },
    });
  });

  const first = ['user.role.updated'];
  test.each<[string, string[]]>([
    ['actor_id=u_1&on_behalf_of_id=u_9', first],
    ['on_behalf_of_id=u_9', first],
    [`actor_id=${encodeURIComponent("o'brien \\ %_")}`, ['user.deleted']],
    [`actor_id=u_1&actor_id=${encodeURIComponent("o'brien \\ %_")}`, ['user.role.updated', 'user.deleted']],
    ['actor_id=u_', []],
    ["actor_id=' OR 1=1 --", []],
    ['actor_type=api_key', []],
    ['category=access', first],
    ['outcome=denied', first],
    ['operation=update', first],
    ['severity=high', first],
    ['service=billing', first],
    ['session_id=s_1', first],
    ['session_id=t_1', ['user.deleted']],
    ['request_id=r_1', first],
    ['trace_id=t_1', first],
    ['action=user.*', ['user.role.updated', 'user.deleted']],
    ['action=user*', ['user.role.updated', 'user.deleted', 'users.listed']],
    ['action=user.deleted&action=invoice.*', ['user.deleted', 'invoice.paid']],
    ['action=*', shown],
    ['resource=role:r:1', first],
    ['resource=user:r:1', ['users.listed']],
    ['resource=role:u_2', []],
    ['resource_type=user', ['user.role.updated', 'users.listed']],
    ['resource_id=r:1', ['user.role.updated', 'users.listed']],
    ['ip=203.0.113.7', first],
    ['ip=203.0.113.0/24&ip=2001:db8::/32', ['user.role.updated', 'user.deleted']],
    ['ip=0.0.0.0/0', ['user.role.updated', 'invoice.paid']],
    ['metadata.plan=pro', first],
    ['metadata.plan=pro&metadata.plan=free', ['user.role.updated', 'users.listed']],
    ['metadata.plan=pro&metadata.other=pro', []],
    [`metadata.a.b=${encodeURIComponent("it's=\\x\u0000")}`, first],
    ['since=2026-11-01T00:00:08Z', ['user.role.updated', 'user.deleted']],
    ['until=2026-11-01T00:00:04Z', ['old.thing']],
    ['since=2026-11-01T00:00:06Z&until=2026-11-01T00:00:08Z', ['users.listed', 'invoice.paid']],
    ['since=1900-01-02T00:00:00Z&until=9999-12-31T00:00:00Z', shown],
    ['status=duplicate', ['sent.twice']],
    ['status=conflict&status=duplicate', ['sent.twice', 'sent.otherwise']],
    ['tenant_id=acme&actor_id=u_1', first],
    ['actor_id=', shown],
    ['q=', shown],
    ['q=deleted', ['user.deleted']],
    ['q=USER+-deleted', first],
    ['q=action:user.*+OR+action:users.*', ['user.role.updated', 'user.deleted', 'users.listed']],
    ['q=action:user*+-ip:*', ['users.listed']],
    ['q=severity:>=medium', first],
    [`q=${encodeURIComponent('actor:"o\'brien \\\\ %_"')}`, ['user.deleted']],
    ['q=resource:user:*+-resource_id:u_2', ['users.listed']],
    ['q=seq:2..3', ['user.deleted', 'users.listed']],
    ['q=status:duplicate+OR+status:conflict', ['sent.twice', 'sent.otherwise']],
    ['q=status:*+since:2026-11-01T00:00:04Z+until:2026-11-01T00:00:06Z', ['sent.twice', 'sent.otherwise']],
    ['q=action:user*&outcome=denied', first],
  ])('%s', async (query, actions) => {
    const answer = await world.get(`/v1/events?${query}`, acme);
    expect(answer.body).not.toHaveProperty('errors');
    expect(actionsOf(answer)).toEqual(actions);
  });

  test('quarantined rows are shown to operators only, and never their bytes', async () => {
    const operator = world.key('*');
    const refused = await world.get('/v1/events?status=quarantined', acme);
    expect(refused.status).toBe(400);
    const answer = await world.get('/v1/events?tenant_id=acme&status=quarantined', operator);
    expect(answer.body.data).toEqual([expect.objectContaining({ status: 'quarantined', seq: 8 })]);
    expect(JSON.stringify(answer.body)).not.toContain('SECRET-BYTES');
  });
});

describe('errors', () => {
  test('name every wrong parameter, with the nearest name', async () => {
    const answer = await world.get('/v1/events?actr_id=x&since=yesterday&q=login+actr:x', acme);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: 'invalid_request',
      errors: [
        { parameter: 'actr_id', detail: expect.stringContaining('did you mean actor_id?') },
        { parameter: 'since', detail: expect.any(String) },
        { parameter: 'q', detail: expect.stringContaining('did you mean `actor`?'), position: 7, length: 4 },
      ],
    });
  });

  test.each([
    ['no key', undefined, '/v1/events', 401, 'unauthenticated'],
    ['an unknown key', 'Bearer dk_0123456789abcdef_x', '/v1/events', 401, 'unauthenticated'],
  ])('%s', async (_, authorization, path, status, code) => {
    const answer = await world.get(path, authorization);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });

  test('a key without the scope, without a tenant, for another tenant', async () => {
    const writer = world.key(['acme'], ['events:write']);
    expect((await world.get('/v1/events', writer)).body['code']).toBe('insufficient_scope');
    expect((await world.get('/v1/events', world.key(['acme', 'other']))).body['code']).toBe('tenant_required');
    expect((await world.get('/v1/events', world.key('*'))).body['code']).toBe('tenant_required');
    const [there, nowhere] = await Promise.all(
      ['globex', 'no-such-tenant'].map((id) => world.get(`/v1/events?tenant_id=${id}`, acme)),
    );
    expect([there?.status, nowhere?.status]).toEqual([403, 403]);
    expect([there?.body['code'], nowhere?.body['code']]).toEqual(['tenant_not_allowed', 'tenant_not_allowed']);
  });

  test('a cursor of another search or of nobody', async () => {
    const { body } = await world.get('/v1/events?limit=1', acme);
    const cursor = String(body['next_cursor']);
    expect((await world.get(`/v1/events?limit=5&cursor=${cursor}`, acme)).status).toBe(200);
    const relative = await world.get('/v1/events?limit=1&q=until:-1s', acme);
    const next = encodeURIComponent(String(relative.body['next_cursor']));
    expect((await world.get(`/v1/events?limit=1&q=until:-1s&cursor=${next}`, acme)).status).toBe(200);
    const other = await world.get(`/v1/events?actor_id=u_1&cursor=${cursor}`, acme);
    expect([other.status, other.body['code']]).toEqual([400, 'invalid_cursor']);
    expect((await world.get('/v1/events?cursor=zzz', acme)).body['code']).toBe('invalid_cursor');
  });

  test('a limit at, below and above its bounds', async () => {
    const statuses = await Promise.all(
      [0, 1, 1_000, 1_001].map(async (limit) => (await world.get(`/v1/events?limit=${limit}`, acme)).status),
    );
    expect(statuses).toEqual([400, 200, 200, 400]);
  });
});

describe('pages', () => {
  const tenant = 'paged';
  const base = micros('2026-11-02T00:00:00Z');
  // Many events at the same instant, and one id stored several times: the order needs all three keys.
  const shared = newEventId();
  const events = Array.from({ length: 250 }, (_, index) => ({
    tenant_id: tenant,
    seq: index + 1,
    occurred_at: base + Math.floor(index / 10),
    id: index % 25 === 0 ? shared : newEventId(),
    ...(index % 25 === 0 ? { occurred_at: base } : {}),
    action: `e.${index + 1}`,
  }));

  async function walk(key: string, between: (page: number) => Promise<void>, limit = 7): Promise<number[]> {
    const seqs: number[] = [];
    let path: string | null = `/v1/events?limit=${limit}`;
    for (let page = 1; path !== null; page++) {
      const answer: Answer = await world.get(path, key);
      expect(answer.status).toBe(200);
      seqs.push(...(answer.body.data ?? []).map((event) => Number(event['seq'])));
      const link: string | undefined = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
      expect(link === undefined).toBe(answer.body['next_cursor'] === null);
      path = link ?? null;
      await between(page);
    }
    return seqs;
  }

  test('have no hole and no repeat while rows are added', async () => {
    await world.store(events.slice(0, 125));
    await world.store(events.slice(125));
    let added = 0;
    const seqs = await walk(world.key([tenant]), async () => {
      // Newer ones must not shift the pages, older ones may appear behind.
      added += 1;
      await world.store([
        { tenant_id: tenant, seq: 1_000 + added, occurred_at: base + 1_000_000 + added },
        { tenant_id: 'another', seq: added, occurred_at: base + 3 },
      ]);
    });
    const before = seqs.filter((seq) => seq <= 250);
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(before.toSorted((a, b) => a - b)).toEqual(events.map(({ seq }) => seq));
    expect(seqs.filter((seq) => seq > 1_000)).toEqual([]);
  }, 60_000);

  test.each([1, 2, 3, 4, 7, 100])(
    'of %i join the last days and the time before, whatever was asked before',
    async (limit) => {
      const log = `old-and-new-${limit}`;
      const day = 86_400_000_000;
      const now = Date.now() * 1_000;
      // Days before now, newest first: the first is dated ahead, as far as an event may be.
      const ages = [-0.99, 0, 0.5, 0.9, 1.9, 2.1, 2.1, 30, 300, 3_000];
      const rows = ages.map((age, index) => ({
        tenant_id: log,
        seq: ages.length - index,
        occurred_at: Math.round(now - age * day),
        // Events of one day arrive on any later one.
        received_at: Math.floor(now / 1_000) - (index % 2 === 0 ? Math.max(0, age) * 86_400_000 : 0),
        id: `0199f3c2-0000-7000-8000-0000000000${String(ages.length - index).padStart(2, '0')}`,
      }));
      for (const row of rows) await world.store([{ ...row, received_at: Math.floor(row.received_at) }]);
      const key = world.key([log]);
      for (const _ of ['unknown', 'known']) {
        expect(await walk(key, () => Promise.resolve(), limit)).toEqual(rows.map(({ seq }) => seq));
      }
    },
  );

  test.each([1, 4, 5, 6, 20])('of %i give the rows of one id at one instant from the highest seq', async (limit) => {
    const log = `resent-${limit}`;
    const row = (seq: number) => ({ tenant_id: log, seq, occurred_at: base, id: shared, status: 'conflict' as const });
    const newer = { tenant_id: log, seq: 11, occurred_at: base + 1, id: newEventId() };
    // Several parts, so that ClickHouse finds them in no order of its own.
    for (const part of [
      [3, 8, 1],
      [10, 2],
      [5, 9, 4],
      [7, 6],
    ])
      await world.store(part.map(row));
    await world.store([newer, { ...newer, seq: 12, occurred_at: base - 1 }]);
    const seqs = await walk(world.key([log]), () => Promise.resolve(), limit);
    expect(seqs).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 12]);
  });
});

describe('I5: two tenants', () => {
  const markers = { left: 'MARKER-LEFT-7f3a', right: 'MARKER-RIGHT-9b1c' };

  beforeAll(() =>
    world.store(
      Object.entries(markers).flatMap(([tenant, marker]) =>
        Array.from({ length: 20 }, (_, index) => ({
          tenant_id: tenant,
          seq: index + 1,
          actor_id: 'shared-actor',
          actor_name: marker,
          description: marker,
          metadata: { marker, tenant_id: 'right' },
          session_id: 'shared-session',
          'resources.type': ['doc'],
          'resources.id': ['shared'],
          'resources.name': [marker],
          'resources.metadata': [{}],
        })),
      ),
    ),
  );

  test.each([
    '/v1/events',
    '/v1/events?actor_id=shared-actor',
    '/v1/events?resource=doc:shared&session_id=shared-session',
    '/v1/events?metadata.tenant_id=right',
    `/v1/events?metadata.marker=${markers.right}`,
    '/v1/feed',
    '/v1/feed?after=0&limit=1000',
    '/v1/events?actor_id=shared-actor&tenant_id=right',
    '/v1/feed?tenant_id=right',
    "/v1/events?tenant_id=left'%20OR%20'1'='1",
    '/v1/events?tenant_id=left&tenant_id=right',
  ])('no answer to the left holds a byte of the right: %s', async (path) => {
    const { status, body } = await world.get(path, world.key(['left']));
    const text = JSON.stringify(body);
    if (status === 200) expect(text.includes(markers.left) || body.data?.length === 0).toBe(true);
    expect(text).not.toContain(markers.right);
  });

  test('an id of the right is not there for the left', async () => {
    const { body } = await world.get('/v1/events?limit=1', world.key(['right']));
    const id = String(body.data?.[0]?.['id']);
    expect((await world.get(`/v1/events/${id}`, world.key(['right']))).status).toBe(200);
    const answer = await world.get(`/v1/events/${id}`, world.key(['left']));
    expect([answer.status, answer.body['code']]).toEqual([404, 'not_found']);
  });
});

describe('what ClickHouse reads', () => {
  test('both scopes prune by primary key, and filters use their indexes', async () => {
    const { pageStatement } = await import('../src/pages/event-sql-mapper.ts');
    const { tenantLock } = await import('../src/gate/tenant-lock-policy.ts');
    const { parseFilter } = await import('./parameters.ts');
    const explain = async (query: string): Promise<string> => {
      const after = { occurredAt: micros('2026-11-01T00:00:07Z'), id: newEventId(), seq: 1 };
      const { sql, params } = pageStatement({ search: parseFilter(query).scoped, after, limit: 10 });
      const lines = await world.readers.query<{ explain: string }>(`EXPLAIN indexes = 1, actions = 1 ${sql}`, params, {
        headers: tenantLock('acme'),
      });
      return lines.map((line) => line.explain).join('\n');
    };
    // The token itself comes from the index: no text is read, and no other condition stands behind the reading.
    const words = await explain('q=denied');
    expect(words).toMatch(/Prewhere filter column:.*__text_index_i_text/);
    const plan = await explain('');
    expect(plan).toMatch(/PrimaryKey[\s│]+Keys:[\s│]+tenant_id[\s│]+occurred_at/);
    expect(await explain('actor_id=u_1')).toContain('i_actor');
    expect(await explain('on_behalf_of_id=u_1')).toContain('i_behalf');
    expect(await explain('action=user.*')).toContain('i_action');
    expect(await explain('resource=a:b')).toContain('i_resource');
    expect(await explain('metadata.plan=pro')).toContain('i_metadata');
    expect(await explain('trace_id=x')).toContain('i_trace');
    expect(await explain('q=denied')).toContain('i_text');
    expect(await explain('resource_id=d7')).toContain('i_text');
    expect(await explain('q=actor:a OR resource:a:b')).toMatch(/i_actor|i_resource/);
    expect(await explain('q=seq:>=5')).toContain('i_seq');
    expect(await explain('q=received_at:>=2026-11-01T00:00:00Z')).toContain('i_received');
    expect(
      await explain('q=(since:2026-11-01T00:00:00Z until:2026-11-02T00:00:00Z) OR since:2026-11-05T00:00:00Z'),
    ).toMatch(/PrimaryKey[\s\S]*occurred_at/);
  });
});
