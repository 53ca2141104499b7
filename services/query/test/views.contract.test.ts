import { newEventId, type EventRow } from '@docket/event';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createQueryWorld, type Answer, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
let acme: string;
let jane: string;
let admin: string;

const ownAction = newEventId();
const othersAction = newEventId();
const janesDocument = [{ actor: { type: 'user', id: 'jane' } }, { resource: { type: 'document', id: 'd7' } }];

/** Where somebody acts from, and what else a user must not learn; every value says whose it is. */
function whereabouts(who: string, octet: number): Partial<EventRow> {
  return {
    ip: `203.0.113.${octet}`,
    user_agent: `agent-of-${who}`,
    country: octet === 1 ? 'DE' : 'FR',
    session_id: `session-of-${who}`,
    source_counter: 40_000 + octet,
  };
}

const document = (id: string): Partial<EventRow> => ({
  'resources.type': ['document'],
  'resources.id': [id],
  'resources.name': [''],
  'resources.metadata': [{}],
});

beforeAll(async () => {
  world = await createQueryWorld();
  acme = world.key(['acme']);
  const rows: Partial<EventRow>[] = [
    { id: ownAction, actor_id: 'jane', action: 'own.action', metadata: { _redrive_of: '70008' }, ...whereabouts('jane', 1) },
    { id: othersAction, actor_id: 'bob', action: 'document.opened', ...document('d7'), ...whereabouts('bob', 2) },
    { actor_id: 'bob', action: 'document.closed', ...document('d7'), ...whereabouts('bob', 2) },
    { actor_id: 'bob', action: 'elsewhere', ...document('d8'), ...whereabouts('bob', 2) },
    { actor_id: 'jane', actor_type: 'api_key', action: 'same.id.other.type', ...whereabouts('robot', 3) },
    { actor_id: 'bob', on_behalf_of_type: 'user', on_behalf_of_id: 'jane', action: 'for.jane', ...whereabouts('bob', 2) },
    { tenant_id: 'globex', actor_id: 'jane', action: 'jane.of.globex', ...document('d7'), ...whereabouts('globex', 4) },
    { actor_id: 'jane', action: 'unreadable', status: 'quarantined', ...whereabouts('jane', 1) },
  ]; // prettier-ignore
  await world.store(rows.map((row, index) => ({ seq: 70_001 + index, ...row })));
  jane = await world.viewer(acme, { view: 'user', any_of: janesDocument });
  admin = await world.viewer(acme, { view: 'admin', viewer: { type: 'user', id: 'boss' }, ttl_seconds: 60 });
});
afterAll(() => world.close());

const actionsOf = ({ body }: Answer): string[] => (body.data ?? []).map(({ action }) => String(action)).toSorted();

describe('the view user', () => {
  test('shows events that the user did, and those of his resources, of this tenant', async () => {
    const answer = await world.get('/v1/events', jane);
    expect(actionsOf(answer)).toEqual(['document.closed', 'document.opened', 'own.action']);
    const onBehalf = await world.viewer(acme, {
      view: 'user',
      any_of: [{ on_behalf_of: { type: 'user', id: 'jane' } }],
    });
    expect(actionsOf(await world.get('/v1/events', onBehalf))).toEqual(['for.jane']);
  });

  test('I5: shows no seq, and where somebody acts from of own actions only', async () => {
    for (const path of ['/v1/events', `/v1/events/${othersAction}`, `/v1/events/${ownAction}`, '/v1/events?limit=1']) {
      const { status, body } = await world.get(path, jane);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toMatch(/"seq"|\b[74]000\d\b|203\.0\.113\.[^1]|"FR"|-of-(bob|robot|globex)/);
    }
    const { body } = await world.get(`/v1/events/${ownAction}`, jane);
    expect(body['context']).toEqual({
      ip: '203.0.113.1',
      user_agent: 'agent-of-jane',
      country: 'DE',
      session_id: 'session-of-jane',
    });
  });

  test('I5: another one’s event is not there, whoever asks for it by id', async () => {
    const { body } = await world.get('/v1/events?action=elsewhere', acme);
    const id = String(body.data?.[0]?.['id']);
    expect((await world.get(`/v1/events/${id}`, acme)).status).toBe(200);
    expect((await world.get(`/v1/events/${id}`, jane)).body['code']).toBe('not_found');
  });

  test.each([
    'ip=203.0.113.2',
    'ip=203.0.113.0/24&action=document.*',
    'session_id=session-of-bob',
    'q=ip:203.0.113.2',
    'q=ip:203.0.113.2 OR session_id:session-of-bob*',
    'q=action:document.* ip:*',
    'q=action:document.* session_id:*',
    'q=seq:70001..70099',
    'q=seq:<99999',
    'metadata._redrive_of=70008',
    'q=metadata._redrive_of:*',
    'q=metadata._redrive_of:70*',
    'q="agent of bob"',
    'q=bob session',
  ])('I5: no question about what is hidden finds anything: %s', async (query) => {
    for (const path of ['/v1/events', '/v1/events/histogram', '/v1/events/facets']) {
      const extra = path.endsWith('facets')
        ? '&field=action'
        : '&since=2026-10-31T00:00:00Z&until=2026-11-02T00:00:00Z';
      const asked = `${path}?${encodeURI(query)}${extra}`;
      const [own, all] = await Promise.all([world.get(asked, jane), world.get(asked, acme)]);
      expect([own.status, all.status]).toEqual([200, 200]);
      const found = ({ body }: Answer): unknown => body['total'] ?? body.data?.length;
      expect(found(own)).toBe(0);
      // Free words look at nothing that is hidden, for nobody.
      if (!query.includes('bob"') && !query.includes('bob session')) expect(found(all)).not.toBe(0);
    }
  });

  test('I5: a negation tells nothing either: everything is as if the hidden fields were absent', async () => {
    for (const query of ['q=-ip:203.0.113.2', 'q=-ip:203.0.113.9', 'q=-session_id:session-of-bob', 'q=-session_id:other', 'q=-seq:70002', 'q=-metadata._redrive_of:*']) {
      expect(actionsOf(await world.get(`/v1/events?${query}`, jane))).toEqual(['document.closed', 'document.opened', 'own.action']);
    } // prettier-ignore
    expect(actionsOf(await world.get('/v1/events?q=-ip:*', jane))).toEqual(['document.closed', 'document.opened']);
  });

  test('I5: facets count a hidden field of own actions only', async () => {
    const path = '/v1/events/facets?field=ip&field=session_id&field=actor_id&field=metadata._redrive_of';
    const { body } = await world.get(path, jane);
    expect(body).toMatchObject({
      total: 3,
      facets: {
        ip: { values: [{ value: '203.0.113.1', count: 1 }], has_more: false },
        session_id: { values: [{ value: 'session-of-jane', count: 1 }], has_more: false },
        actor_id: { values: [{ value: 'bob', count: 2 }, { value: 'jane', count: 1 }] },
        'metadata._redrive_of': { values: [], has_more: false },
      },
    }); // prettier-ignore
    expect(JSON.stringify((await world.get(path, acme)).body)).toMatch(/203\.0\.113\.2.*70008/);
  });

  test.each(['/v1/feed', '/v1/feed?after=latest'])('has no %s', async (path) => {
    const refused = await world.get(path, jane);
    expect([refused.status, refused.body['code']]).toEqual([403, 'view_not_allowed']);
    expect((await world.get(path, admin)).status).toBe(200);
  });

  test('finds no status that only operators see', async () => {
    expect((await world.get('/v1/events?status=quarantined', jane)).status).toBe(400);
    expect(actionsOf(await world.get('/v1/events?q=status:*', jane))).not.toContain('unreadable');
  });

  test('I5: a cursor holds no seq and belongs to its view', async () => {
    const { body } = await world.get('/v1/events?limit=1', jane);
    const cursor = String(body['next_cursor']);
    expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toMatch(/7000\d/);
    expect((await world.get(`/v1/events?limit=1&cursor=${cursor}`, jane)).status).toBe(200);
    const other = await world.viewer(acme, { view: 'user', any_of: janesDocument.slice(0, 1) });
    for (const credential of [acme, admin, other]) {
      expect((await world.get(`/v1/events?limit=1&cursor=${cursor}`, credential)).body['code']).toBe('invalid_cursor');
    }
    const again = await world.viewer(acme, { view: 'user', any_of: janesDocument });
    expect((await world.get(`/v1/events?limit=1&cursor=${cursor}`, again)).status).toBe(200);
  });
});

describe('the view admin', () => {
  test('shows the whole log, as the key does', async () => {
    const path = '/v1/events?limit=3';
    const [one, other] = await Promise.all([world.get(path, admin), world.get(path, acme)]);
    expect(one.body.data).toEqual(other.body.data);
    expect((await world.get('/v1/feed?after=70000', admin)).status).toBe(200);
  });

  test('made by an operator’s key it is still for one tenant, and not for operators', async () => {
    const operator = world.key('*');
    const token = await world.viewer(operator, { tenant_id: 'globex', view: 'admin' });
    expect(actionsOf(await world.get('/v1/events', token))).toEqual(['jane.of.globex']);
    expect((await world.get('/v1/events?tenant_id=acme', token)).body['code']).toBe('tenant_not_allowed');
    expect((await world.get('/v1/events?status=quarantined', token)).status).toBe(400);
  });
});

describe('POST /v1/viewer-tokens', () => {
  test('answers with the token and what it grants, which whoami repeats', async () => {
    const asked = { view: 'user', any_of: janesDocument, viewer: { type: 'user', id: 'jane' }, ttl_seconds: 60 };
    const before = Date.now();
    const { status, body, headers } = await world.post('/v1/viewer-tokens', acme, asked);
    expect([status, headers.get('cache-control')]).toEqual([201, 'no-store']);
    const { token, expires_at: expiresAt, ...granted } = body;
    expect(granted).toEqual({
      token_id: expect.any(String),
      tenant_id: 'acme',
      view: 'user',
      any_of: janesDocument,
      viewer: { type: 'user', id: 'jane' },
    });
    const lifeMs = Date.parse(String(expiresAt)) - before;
    expect(lifeMs).toBeGreaterThan(58_000);
    expect(lifeMs).toBeLessThanOrEqual(61_000);
    const whoami = await world.get('/v1/whoami', `Bearer ${String(token)}`);
    expect(whoami.body).toEqual({
      credential: 'viewer_token',
      key_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      scopes: ['events:read'],
      tenants: ['acme'],
      view: 'user',
      any_of: janesDocument,
      token_id: granted['token_id'],
      expires_at: expiresAt,
      viewer: { type: 'user', id: 'jane' },
    });
  });

  test('whoami of keys tells their view', async () => {
    expect((await world.get('/v1/whoami', acme)).body).toMatchObject({ credential: 'key', view: 'tenant', tenants: ['acme'] });
    expect((await world.get('/v1/whoami', world.key('*'))).body).toMatchObject({ view: 'operator', tenants: '*' });
  }); // prettier-ignore

  const pair = { type: 'user', id: 'u' };
  test.each<[unknown, string]>([
    [{}, '/view'],
    [{ view: 'operator' }, '/view'],
    [{ view: 'user' }, '/any_of'],
    [{ view: 'user', any_of: [] }, '/any_of'],
    [{ view: 'admin', any_of: [{ actor: pair }] }, '/any_of'],
    [{ view: 'user', any_of: [{ actor: { type: 'a:b', id: 'u' } }] }, '/any_of/0'],
    [{ view: 'user', any_of: [{ actor: { type: 'user', id: '' } }] }, '/any_of/0'],
    [{ view: 'user', any_of: [{ actor: pair, resource: pair }] }, '/any_of/0'],
    [{ view: 'user', any_of: [{ actor: { type: 'user', id: '\ud800' } }] }, '/any_of/0/actor/id'],
    [{ view: 'user', any_of: Array.from({ length: 33 }, () => ({ actor: pair })) }, '/any_of'],
    [{ view: 'user', any_of: Array.from({ length: 32 }, () => ({ actor: { ...pair, id: 'x'.repeat(256) } })) }, '/any_of'],
    [{ view: 'admin', ttl_seconds: 901 }, '/ttl_seconds'],
    [{ view: 'admin', ttl_seconds: 0 }, '/ttl_seconds'],
    [{ view: 'admin', tenant_id: '!p0' }, '/tenant_id'],
    [{ view: 'admin', tenants: ['acme'] }, '/tenants'],
  ])('refused: %j', async (body, pointer) => {
    const answer = await world.post('/v1/viewer-tokens', acme, body);
    expect([answer.status, answer.body['code']]).toEqual([422, 'invalid_body']);
    expect(answer.body['errors']).toContainEqual(expect.objectContaining({ pointer }));
  }); // prettier-ignore

  test('takes 32 entries, and a life of 900 s', async () => {
    const entries = Array.from({ length: 32 }, (_, index) => ({ resource: { type: 'document', id: `d${index}` } }));
    const token = await world.viewer(acme, { view: 'user', any_of: entries, ttl_seconds: 900 });
    expect((await world.get('/v1/events', token)).body.data).toHaveLength(3);
  });

  test.each([
    ['a key of another tenant', () => world.key(['globex']), 'tenant_not_allowed'],
    ['a key without events:read', () => world.key(['acme'], ['events:write', 'admin']), 'insufficient_scope'],
    ['a token of the view user', () => jane, 'view_not_allowed'],
    ['a token of the view admin', () => admin, 'view_not_allowed'],
  ])('I5: %s makes none', async (_, credential, code) => {
    const answer = await world.post('/v1/viewer-tokens', credential(), { tenant_id: 'acme', view: 'admin' });
    expect([answer.status, answer.body['code']]).toEqual([403, code]);
  });

  test('a key of several tenants names one', async () => {
    const key = world.key(['acme', 'globex']);
    expect((await world.post('/v1/viewer-tokens', key, { view: 'admin' })).body['code']).toBe('tenant_required');
    expect((await world.post('/v1/viewer-tokens', key, { view: 'admin', tenant_id: 'globex' })).status).toBe(201);
  });
});

describe('I5: the life of a token', () => {
  test('ends with its key', async () => {
    const key = world.key(['acme']);
    const token = await world.viewer(key, { view: 'admin' });
    expect((await world.get('/v1/events', token)).status).toBe(200);
    world.changeKey(key, { revoked_at: '2026-11-01T00:00:00.000Z' });
    const refused = await world.get('/v1/events', token);
    expect([refused.status, refused.body['detail']]).toEqual([401, 'The key that made the viewer token was revoked.']);
  });

  test('it is taken from the Authorization header alone', async () => {
    const text = jane.slice('Bearer '.length);
    for (const name of ['token', 'access_token', 'authorization']) {
      expect((await world.get(`/v1/events?${name}=${text}`)).status).toBe(401);
      const answer = await world.get(`/v1/events?${name}=${text}`, acme);
      expect([answer.status, JSON.stringify(answer.body).includes(text.slice(0, 40))]).toEqual([400, false]);
    }
  });
});
