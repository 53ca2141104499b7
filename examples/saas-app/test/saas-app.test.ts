import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDocket, type Docket } from '@docket/sdk';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ScriptedGateway, startScriptedGateway } from '../../../packages/sdk/test/scripted-gateway.ts';
import { createSaasApp, createStore, seed } from '../src/index.ts';

const password = 'a test password';
let gateway: ScriptedGateway;
let docket: Docket;
let server: Server;
let url: string;

beforeAll(async () => {
  gateway = await startScriptedGateway(() => ({ kind: 'accept' }));
  docket = createDocket({ url: gateway.url, key: 'k', source: { service: 'saas-app' }, spool: false });
  const store = createStore();
  await seed(store, password);
  const app = createSaasApp(store, docket, (error) => {
    throw error;
  });
  server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await docket.close();
  await gateway.close();
});

async function call(method: string, path: string, body?: unknown, token?: string) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': '203.0.113.7',
      'user-agent': 'test-agent',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer: Record<string, unknown> = text === '' ? {} : JSON.parse(text);
  return { status: response.status, answer };
}

async function signIn(organisation: string, email: string, secret = password) {
  const { status, answer } = await call('POST', '/sign-in', { organisation, email, password: secret });
  return { status, token: String(answer['token']) };
}

/** The events that `run` leaves in the log. */
async function eventsOf(run: () => Promise<unknown>) {
  await docket.flush();
  const from = gateway.requests.length;
  await run();
  await docket.flush();
  return gateway.requests.slice(from).flatMap((request) => request.events);
}

test('a sign-in that fails and one that works are both recorded, with who it claimed to be', async () => {
  const events = await eventsOf(async () => {
    expect((await signIn('acme', 'jane@acme.example', 'wrong')).status).toBe(401);
    expect((await signIn('acme', 'nobody@acme.example')).status).toBe(401);
    expect((await signIn('acme', 'jane@acme.example')).status).toBe(201);
  });
  expect(events).toMatchObject([
    { tenant_id: 'acme', action: 'user.signed_in', outcome: 'failure', actor: { type: 'user', id: 'u_jane' } },
    { tenant_id: 'acme', action: 'user.signed_in', outcome: 'failure', actor: { type: 'anonymous' } },
    { tenant_id: 'acme', action: 'user.signed_in', category: 'authentication', actor: { id: 'u_jane' } },
  ]);
  expect(events[2]?.context).toMatchObject({ ip: '203.0.113.7', user_agent: 'test-agent' });
  expect(events[2]?.context['session_id']).toMatch(/^s_/);
});

test('a session that nobody has is 401 and records nothing', async () => {
  const events = await eventsOf(async () => {
    expect((await call('GET', '/documents/d_1', undefined, 'made-up')).status).toBe(401);
    expect((await signIn('initech', 'jane@acme.example')).status).toBe(401);
  });
  expect(events).toEqual([]);
});

test('an admin invites a user and changes their role: resources and changes say what happened', async () => {
  const { token } = await signIn('acme', 'jane@acme.example');
  const events = await eventsOf(async () => {
    const invited = await call('POST', '/users', { email: 'new@acme.example', name: 'New', role: 'member' }, token);
    expect(invited.status).toBe(201);
    await call('PATCH', `/users/${String(invited.answer['id'])}`, { role: 'admin' }, token);
    expect(
      (await call('POST', '/users', { email: 'new@acme.example', name: 'New', role: 'member' }, token)).status,
    ).toBe(409);
  });
  expect(events).toMatchObject([
    { action: 'user.invited', operation: 'create', resources: [{ type: 'user', name: 'New' }] },
    { action: 'user.role.updated', category: 'access', changes: [{ path: 'role', old: 'member', new: 'admin' }] },
  ]);
});

test('what a role may not do is refused and recorded as denied', async () => {
  const { token } = await signIn('globex', 'vera@globex.example');
  const events = await eventsOf(async () => {
    expect((await call('POST', '/documents', { title: 't', body: 'b' }, token)).status).toBe(403);
    expect((await call('PATCH', '/users/u_vera', { role: 'admin' }, token)).status).toBe(403);
    expect((await call('PUT', '/billing/plan', { plan: 'free', seats: 1 }, token)).status).toBe(403);
  });
  expect(events.map((event) => [event.tenant_id, event.action, Reflect.get(event, 'outcome')])).toEqual([
    ['globex', 'document.created', 'denied'],
    ['globex', 'user.role.updated', 'denied'],
    ['globex', 'billing.plan.updated', 'denied'],
  ]);
});

test('a document is created, read, updated and deleted; another organisation never sees it', async () => {
  const { token } = await signIn('acme', 'bob@acme.example');
  const { token: stranger } = await signIn('globex', 'hank@globex.example');
  const events = await eventsOf(async () => {
    const { answer } = await call('POST', '/documents', { title: 'Plan', body: 'one' }, token);
    const path = `/documents/${String(answer['id'])}`;
    expect((await call('GET', path, undefined, stranger)).status).toBe(404);
    expect((await call('GET', path, undefined, token)).answer).toMatchObject({ title: 'Plan' });
    expect((await call('PATCH', path, { title: 'Plan B', body: 'three' }, token)).status).toBe(200);
    expect((await call('DELETE', path, undefined, token)).status).toBe(204);
    expect((await call('GET', path, undefined, token)).status).toBe(404);
  });
  expect(events.map(({ action }) => action)).toEqual([
    'document.created',
    'document.read',
    'document.updated',
    'document.deleted',
  ]);
  expect(events[2]).toMatchObject({
    changes: [
      { path: 'title', old: 'Plan', new: 'Plan B' },
      { path: 'body.length', old: 3, new: 5 },
    ],
  });
});

test('a plan change is recorded with old and new', async () => {
  const { token } = await signIn('acme', 'jane@acme.example');
  const events = await eventsOf(() => call('PUT', '/billing/plan', { plan: 'enterprise', seats: 40 }, token));
  expect(events).toMatchObject([
    {
      action: 'billing.plan.updated',
      resources: [{ type: 'organisation', id: 'acme' }],
      changes: [
        { path: 'plan', old: 'pro', new: 'enterprise' },
        { path: 'seats', old: 10, new: 40 },
      ],
      metadata: { plan: 'enterprise', seats: 40 },
    },
  ]);
});

test('support acts for a customer: actor is the member of staff, on_behalf_of the user, the log the customer’s', async () => {
  const { token } = await signIn('vendor', 'sam@vendor.example');
  const { token: outsider } = await signIn('acme', 'bob@acme.example');
  const events = await eventsOf(async () => {
    const wanted = { user_id: 'u_hank', reason: 'ticket 4711' };
    expect((await call('POST', '/support/sessions', wanted, outsider)).status).toBe(403);
    const { answer } = await call('POST', '/support/sessions', wanted, token);
    expect(answer['acting_for']).toBe('u_hank');
    await call('POST', '/documents', { title: 'Fixed', body: 'by support' }, String(answer['token']));
  });
  expect(events).toMatchObject([
    { tenant_id: 'acme', action: 'support.session.started', outcome: 'denied', actor: { id: 'u_bob' } },
    { tenant_id: 'globex', action: 'support.session.started', actor: { id: 'u_sam' }, on_behalf_of: { id: 'u_hank' } },
    { tenant_id: 'globex', action: 'document.created', actor: { id: 'u_sam' }, on_behalf_of: { id: 'u_hank' } },
  ]);
});

test.each([
  ['POST', '/sign-in', { organisation: 'acme' }],
  ['POST', '/sign-in', { organisation: 'acme', email: 'x'.repeat(257), password: 'p' }],
  ['POST', '/sign-in', 'no object'],
])('%s %s with a body that is not right is 400', async (method, path, body) => {
  expect((await call(method, path, body)).status).toBe(400);
});
