import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDirectoryView, openSecret, readMasterKey } from '@docket/directory';
import type { DirectoryView } from '@docket/directory';
import { eventually } from '@docket/testkit';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';

import { createAdmins, masterKey, token } from './admins-for-tests.ts';
import type { Admin, Admins, Answer } from './admins-for-tests.ts';

let admins: Admins;
let running: readonly Admin[];
let view: DirectoryView;

beforeAll(async () => {
  admins = await createAdmins();
  running = admins.running;
  view = createDirectoryView(admins.world.kafka, {
    onCrash: (error) => {
      throw error;
    },
  });
  view.start();
  await admins.start();
}, 90_000);

afterAll(async () => {
  await view.stop();
  await admins.close();
}, 60_000);

const call: Admins['call'] = (...request) => admins.call(...request);
const newKey: Admins['newKey'] = (body) => admins.newKey(body);

const sink = { type: 'webhook', url: 'https://siem.example/in' };

describe('the admin service', () => {
  test('a tenant is created once, read back at once and listed', async () => {
    const created = await call('POST', '/v1/tenants', { id: 'acme', name: 'Acme' });
    expect(created).toMatchObject({ status: 201, body: { id: 'acme', name: 'Acme', created_at: expect.any(String) } });
    expect(created.headers.get('location')).toBe('/v1/tenants/acme');
    expect((await call('GET', '/v1/tenants/acme')).body).toEqual(created.body);
    expect((await call('GET', '/v1/tenants')).body).toEqual({ data: [created.body], next_cursor: null });
    expect(await call('POST', '/v1/tenants', { id: 'acme' })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
  });

  test('two that create the same tenant at once: one wins', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', '/v1/tenants', { id: 'contested' })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201, 409, 409, 409, 409, 409, 409, 409,
    ]);
  });

  test('lists are paged with a link to the next page', async () => {
    for (const id of ['p1', 'p2', 'p3']) await call('POST', '/v1/tenants', { id });
    const seen: string[] = [];
    let path: string | undefined = '/v1/tenants?limit=2';
    while (path !== undefined) {
      const page: Answer = await call('GET', path);
      seen.push(JSON.stringify(page.body['data']));
      path = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(seen.join('')).toMatch(/acme[^]*contested[^]*p1[^]*p2[^]*p3/);
    expect(seen.length).toBeGreaterThanOrEqual(3);
  });

  test('a key is shown once, works, is stored as a hash, and ends when revoked', async () => {
    const { id, key } = await newKey({ scopes: ['admin'], tenants: '*' });
    expect((await call('GET', '/v1/tenants', undefined, key)).status).toBe(200);
    const listed = await call('GET', '/v1/keys');
    expect(JSON.stringify(listed.body)).toContain(id);
    expect(JSON.stringify(listed.body)).not.toContain(key.slice(20));
    expect(JSON.stringify(listed.body)).not.toMatch(/sha256|hash/);
    expect((await call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expect(await call('GET', '/v1/tenants', undefined, key)).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
    expect((await call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expect((await call('GET', `/v1/keys/${id}`)).body['revoked_at']).toEqual(expect.any(String));
  });

  test('a key that is revoked while its request is on its way changes nothing any more', async () => {
    const { id, key } = await newKey({ scopes: ['admin'], tenants: '*' });
    const body = JSON.stringify({ name: 'another', scopes: ['admin'], tenants: '*' });
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': body.length,
    };
    const request = httpRequest(`${running[0]?.server.url}/v1/keys`, { method: 'POST', headers });
    const answered = once(request, 'response');
    // Its sender is known by now, and its body is not there yet.
    request.write(body.slice(0, 10));
    await eventually(async () => (await call('GET', `/v1/keys/${id}`)).body['last_used_at'] !== undefined, { what: 'the use of the key' }); // prettier-ignore
    expect((await call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    request.end(body.slice(10));
    const [response] = (await answered) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(401);
    expect(JSON.stringify((await call('GET', '/v1/keys')).body)).not.toContain('another');
  });

  test('a rotated key keeps its id; those until now are taken for its last overlap at most, revoking ends all', async () => {
    const made = await newKey({ scopes: ['admin'], tenants: '*' });
    const rotate = (body: object) => call('POST', `/v1/keys/${made.id}/rotate`, body);
    const first = await rotate({});
    expect(first).toMatchObject({
      status: 200,
      body: { id: made.id, scopes: ['admin'], rotated_at: expect.any(String) },
    });
    expect(first.headers.get('cache-control')).toBe('no-store');
    const untilMs = Date.parse(String(first.body['old_secrets_until']));
    expect(Math.abs(untilMs - Date.now() - 86_400_000)).toBeLessThan(60_000);
    const second = await rotate({ overlap_seconds: 0 });
    const secrets = [made.key, String(first.body['key']), String(second.body['key'])];
    const taken = () =>
      Promise.all(secrets.map(async (key) => (await call('GET', '/v1/tenants', undefined, key)).status));
    // Without an overlap all before it end at once: one of them is known to somebody else.
    expect(await taken()).toEqual([401, 401, 200]);
    for (let n = 0; n < 4; n += 1) expect((await rotate({ overlap_seconds: 60 })).status).toBe(200);
    expect(await rotate({ overlap_seconds: 60 })).toMatchObject({ status: 409, body: { code: 'limit_reached' } });
    expect(await rotate({ overlap_seconds: 604_801 })).toMatchObject({ status: 422, body: { code: 'invalid_body' } });
    expect((await call('DELETE', `/v1/keys/${made.id}`)).status).toBe(204);
    expect(await taken()).toEqual([401, 401, 401]);
    expect(await rotate({})).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(JSON.stringify((await call('GET', `/v1/keys/${made.id}`)).body)).not.toMatch(/sha256/);
  });

  test('a key shows within a minute when it was last used, and is no other version of itself for it', async () => {
    const { id, key } = await newKey({ scopes: ['admin'], tenants: '*' });
    const path = `/v1/keys/${id}`;
    const unused = await call('GET', path);
    expect(unused.body).not.toHaveProperty('last_used_at');
    const usedAtMs = Date.now();
    expect((await call('GET', '/v1/tenants', undefined, key)).status).toBe(200);
    const used = await eventually(
      async () => {
        const answer = await call('GET', path);
        return answer.body['last_used_at'] === undefined ? undefined : answer;
      },
      { what: 'the last use of the key', deadlineMs: 60_000, intervalMs: 500 },
    );
    expect(Math.abs(Date.parse(String(used.body['last_used_at'])) - usedAtMs)).toBeLessThan(5_000);
    expect(used.headers.get('etag')).toBe(unused.headers.get('etag'));
  }, 90_000);

  test('of two changes with the same ETag one is made; the other is told that it has changed meanwhile', async () => {
    const { id } = await newKey({ scopes: ['admin'], tenants: '*' });
    const path = `/v1/keys/${id}`;
    const etag = String((await call('GET', path)).headers.get('etag'));
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    const rotate = (ifMatch: string) => call('POST', `${path}/rotate`, {}, token, running[0], { 'if-match': ifMatch });
    const answers = await Promise.all([rotate(etag), rotate(etag), rotate(etag)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
    const won = answers.find(({ status }) => status === 200);
    const now = String((await call('GET', path)).headers.get('etag'));
    expect([now, now === etag]).toEqual([won?.headers.get('etag'), false]);
    expect(await rotate(`W/${now}`)).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    expect((await rotate(`"other", ${now}`)).status).toBe(200);
    expect((await rotate('*')).status).toBe(200);
    const revoke = (ifMatch: string) => call('DELETE', path, undefined, token, running[0], { 'if-match': ifMatch });
    expect((await revoke(now)).status).toBe(412);
    expect((await revoke(String((await call('GET', path)).headers.get('etag')))).status).toBe(204);
  });

  test('a subscription is changed, resumed, replayed, given a new secret and removed only with the ETag that it has', async () => {
    const created = await call('POST', '/v1/subscriptions', { tenant_id: 'acme', sink });
    const path = `/v1/subscriptions/${String(created.body['id'])}`;
    const first = String(created.headers.get('etag'));
    const withTag = (method: string, to: string, body: unknown, tag: string) =>
      call(method, to, body, token, running[0], { 'if-match': tag });
    expect((await call('GET', path)).headers.get('etag')).toBe(first);
    const paused = await withTag('PATCH', path, { state: 'paused' }, first);
    expect(paused).toMatchObject({ status: 200, body: { state: 'paused' } });
    expect((await withTag('PATCH', path, { name: 'x' }, first)).status).toBe(412);
    expect((await withTag('POST', `${path}/resume`, { from: 'cursor' }, first)).status).toBe(412);
    expect((await withTag('DELETE', path, undefined, first)).status).toBe(412);
    const resumed = await withTag('POST', `${path}/resume`, { from: 'cursor' }, String(paused.headers.get('etag')));
    expect(resumed).toMatchObject({ status: 200, body: { state: 'active' } });
    const second = String(resumed.headers.get('etag'));
    const range = { from_seq: 1, to_seq: 2 };
    for (const [to, body] of [
      ['rotate-secret', {}],
      ['replay', range],
    ] as const) {
      expect(await withTag('POST', `${path}/${to}`, body, first)).toMatchObject({
        status: 412,
        body: { code: 'precondition_failed' },
      });
    }
    // A replay is another subscription: it leaves this one as it is, and has an ETag of its own.
    const replay = await withTag('POST', `${path}/replay`, range, second);
    expect([replay.status, replay.headers.get('etag')]).toEqual([
      201,
      (await call('GET', String(replay.headers.get('location')))).headers.get('etag'),
    ]);
    const rotations = await Promise.all([1, 2, 3].map(() => withTag('POST', `${path}/rotate-secret`, {}, second)));
    expect(rotations.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
    const rotated = String(rotations.find(({ status }) => status === 200)?.headers.get('etag'));
    expect((await call('GET', path)).headers.get('etag')).toBe(rotated);
    expect((await withTag('DELETE', path, undefined, rotated)).status).toBe(204);
    expect((await call('GET', '/v1/tenants/acme')).headers.get('etag')).toMatch(/^"/);
  });

  test('a subscription shows its secret once; delivery can open it; it changes and goes', async () => {
    const created = await call('POST', '/v1/subscriptions', { tenant_id: 'acme', sink });
    const { id, secret, ...shown } = created.body;
    expect(created.status).toBe(201);
    expect(secret).toMatch(/^whsec_/);
    const path = `/v1/subscriptions/${String(id)}`;
    expect((await call('GET', path)).body).toEqual({ id, ...shown });

    await view.refresh(30_000);
    const [stored] = view.subscription(String(id))?.sink.secrets ?? [];
    expect(openSecret(readMasterKey(masterKey), String(id), stored?.sealed ?? '')).toEqual({ ok: true, secret });

    const patched = await call('PATCH', path, { state: 'paused', sink: { url: 'http://127.0.0.1:9/in' } });
    expect(patched).toMatchObject({ status: 200, body: { state: 'paused', sink: { url: 'http://127.0.0.1:9/in' } } });
    expect((await call('GET', path)).body).toEqual(patched.body);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('GET', path)).status).toBe(404);
    await view.refresh(30_000);
    expect(view.subscription(String(id))).toBeUndefined();
  });

  test('the token of a sink is sealed for delivery, and in no answer', async () => {
    const sinkToken = 'a-very-secret-token';
    const splunk = { type: 'splunk_hec', url: 'https://splunk.example:8088', index: 'main' };
    const created = await call('POST', '/v1/subscriptions', {
      tenant_id: 'acme',
      sink: { ...splunk, token: sinkToken },
    });
    expect(created).toMatchObject({ status: 201, body: { sink: splunk } });
    const id = String(created.body['id']);
    const path = `/v1/subscriptions/${id}`;
    const opened = () => {
      const [stored] = view.subscription(id)?.sink.secrets ?? [];
      return openSecret(readMasterKey(masterKey), id, stored?.sealed ?? '');
    };
    await eventually(() => view.subscription(id) !== undefined, { what: 'the subscription in the view' });
    expect(opened()).toEqual({ ok: true, secret: sinkToken });
    const patched = await call('PATCH', path, { sink: { token: `${sinkToken}-2` } });
    await eventually(() => JSON.stringify(opened()).includes('-2'), { what: 'the new token in the view' });
    const shown = [created, patched, await call('GET', path), await call('GET', '/v1/subscriptions')];
    expect(shown.map(({ status }) => status)).toEqual([201, 200, 200, 200]);
    expect(JSON.stringify(shown)).not.toContain(sinkToken);
    expect(created.body).not.toHaveProperty('secret');
  });

  test('I5: a key for one tenant’s subscriptions neither sees nor touches another’s', async () => {
    const acme = await newKey({ scopes: ['subscriptions:write'], tenants: ['acme'] });
    const beta = await newKey({ scopes: ['subscriptions:write'], tenants: ['beta'] });
    const { body } = await call('POST', '/v1/subscriptions', { sink }, acme.key);
    expect(body['tenant_id']).toBe('acme');
    const path = `/v1/subscriptions/${String(body['id'])}`;
    for (const [method, change] of [['GET'], ['PATCH', { state: 'paused' }], ['DELETE']] as const) {
      expect(await call(method, path, change, beta.key)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect((await call('GET', '/v1/subscriptions', undefined, beta.key)).body).toEqual({ data: [], next_cursor: null });
    expect((await call('GET', '/v1/subscriptions?tenant_id=acme', undefined, beta.key)).body['code']).toBe(
      'tenant_not_allowed',
    );
    expect((await call('POST', '/v1/subscriptions', { tenant_id: 'acme', sink }, beta.key)).body['code']).toBe(
      'tenant_not_allowed',
    );
    expect((await call('GET', path, undefined, acme.key)).status).toBe(200);
  });

  test.each([
    ['POST', '/v1/tenants', { id: 'x' }],
    ['GET', '/v1/tenants', undefined],
    ['GET', '/v1/tenants/acme', undefined],
    ['POST', '/v1/keys', { name: 'x', scopes: ['admin'], tenants: '*' }],
    ['GET', '/v1/keys', undefined],
    ['DELETE', '/v1/keys/0000000000000000', undefined],
    ['POST', '/v1/keys/0000000000000000/rotate', {}],
  ] as const)('%s %s needs the scope admin, and a credential', async (method, path, body) => {
    const { key } = await newKey({ scopes: ['events:write', 'events:read', 'subscriptions:write'], tenants: '*' });
    const answer = await call(method, path, body, key);
    expect(answer).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    const none = await call(method, path, body, 'nonsense');
    expect(none).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(none.headers.get('www-authenticate')).toContain('Bearer');
  });

  test.each([
    ['POST', '/v1/tenants', { id: 'a b' }, 422, 'invalid_body'],
    [
      'POST',
      '/v1/subscriptions',
      { tenant_id: 'acme', sink: { type: 'webhook', url: 'http://internal/' } },
      422,
      'invalid_body',
    ],
    ['POST', '/v1/subscriptions', { sink }, 400, 'tenant_required'],
    ['GET', '/v1/tenants?limit=0', undefined, 400, 'invalid_request'],
    ['PUT', '/v1/tenants', {}, 405, 'method_not_allowed'],
    ['GET', '/v1/subscriptions/sub_none', undefined, 404, 'not_found'],
  ])('%s %s %j is %i %s', async (method, path, body, status, code) => {
    expect(await call(method, path, body)).toMatchObject({ status, body: { code, request_id: expect.any(String) } });
  });

  test('a second admin takes over with all that was written; the first ends, and writes no more', async () => {
    const [first] = running;
    const second = await admins.start();
    expect(await first?.ended).toMatchObject({ code: 'writer_fenced' });
    expect(first?.app.health().ready).toBe(false);
    expect((await call('GET', '/v1/tenants/acme', undefined, token, second)).status).toBe(200);
    expect(await call('POST', '/v1/tenants', { id: 'stale' }, token, first)).toMatchObject({
      status: 503,
      body: { code: 'writer_fenced' },
    });
    expect((await call('POST', '/v1/tenants', { id: 'fresh' }, token, second)).status).toBe(201);
    expect((await call('GET', '/v1/tenants/stale', undefined, token, second)).status).toBe(404);
  }, 60_000);
});
