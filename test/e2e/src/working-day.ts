import type { SaasClient, Visitor } from './saas-client.ts';

/** The customers whose logs the scenario fills; vendor is the SaaS company itself. */
export const tenants = ['acme', 'globex', 'vendor'] as const;

const jane = 'u_jane';
const bob = 'u_bob';
const hank = 'u_hank';
const vera = 'u_vera';
const sam = 'u_sam';

/**
 * One round of what people do with the application: sign in (one with a wrong password), invite, promote, write, read and
 * delete documents, change the plan, try what they may not, and support that acts for a customer.
 */
export async function workOneRound(client: SaasClient, password: string, round: number): Promise<void> {
  await Promise.all([workAtAcme(client, password, round), workAtGlobex(client, password, round)]);
}

async function workAtAcme(client: SaasClient, password: string, round: number): Promise<void> {
  const tenantId = 'acme';
  const admin: Visitor = { ip: '203.0.113.10', userAgent: 'Mozilla/5.0 (Macintosh) Firefox/150.0' };
  const member: Visitor = { ip: '2001:db8::b0b', userAgent: 'Mozilla/5.0 (X11; Linux) Chrome/150.0' };
  const asJane = { tenantId, outcome: 'success', actorId: jane } as const;

  await client.perform(
    member,
    {
      method: 'POST',
      path: '/sign-in',
      body: { organisation: tenantId, email: 'bob@acme.example', password: 'guess' },
      status: 401,
    },
    () => ({ tenantId, action: 'user.signed_in', outcome: 'failure', actorId: bob }),
  );
  admin.token = await signIn(client, admin, tenantId, 'jane@acme.example', password, jane);
  const email = `new-${round}@acme.example`;
  const invited = await client.perform(
    admin,
    { method: 'POST', path: '/users', body: { email, name: `New ${round}`, role: 'member' }, status: 201 },
    (answer) => ({ ...asJane, action: 'user.invited', resource: `user:${answer('id')}` }),
  );
  const userId = invited('id');
  await client.perform(
    admin,
    { method: 'PATCH', path: `/users/${userId}`, body: { role: 'admin' }, status: 200 },
    () => ({ ...asJane, action: 'user.role.updated', resource: `user:${userId}` }),
  );
  const created = await client.perform(
    admin,
    { method: 'POST', path: '/documents', body: { title: `Plan ${round}`, body: 'one' }, status: 201 },
    (answer) => ({ ...asJane, action: 'document.created', resource: `document:${answer('id')}` }),
  );
  const path = `/documents/${created('id')}`;
  const resource = `document:${created('id')}`;
  for (const [method, action, body, status] of [
    ['GET', 'document.read', undefined, 200],
    ['PATCH', 'document.updated', { title: `Plan ${round}, second version` }, 200],
    ['DELETE', 'document.deleted', undefined, 204],
  ] as const) {
    await client.perform(admin, { method, path, body, status }, () => ({ ...asJane, action, resource }));
  }
  await client.perform(
    admin,
    { method: 'PUT', path: '/billing/plan', body: { plan: 'enterprise', seats: 10 + round }, status: 200 },
    () => ({ ...asJane, action: 'billing.plan.updated', resource: 'organisation:acme' }),
  );
  await client.perform(admin, { method: 'POST', path: '/sign-out', status: 204 }, () => ({
    ...asJane,
    action: 'user.signed_out',
  }));
}

async function workAtGlobex(client: SaasClient, password: string, round: number): Promise<void> {
  const tenantId = 'globex';
  const viewer: Visitor = { ip: '198.51.100.7', userAgent: 'Mozilla/5.0 (Windows NT 10.0) Edg/150.0' };
  const support: Visitor = { ip: '192.0.2.99', userAgent: 'support-console/7' };

  viewer.token = await signIn(client, viewer, tenantId, 'vera@globex.example', password, vera);
  await client.perform(
    viewer,
    { method: 'PATCH', path: '/users/u_vera', body: { role: 'admin' }, status: 403 },
    () => ({ tenantId, action: 'user.role.updated', outcome: 'denied', actorId: vera, resource: `user:${vera}` }),
  );
  support.token = await signIn(client, support, 'vendor', 'sam@vendor.example', password, sam);
  const forHank = { tenantId, outcome: 'success', actorId: sam, onBehalfOfId: hank } as const;
  const session = await client.perform(
    support,
    { method: 'POST', path: '/support/sessions', body: { user_id: hank, reason: `ticket ${round}` }, status: 201 },
    () => ({ ...forHank, action: 'support.session.started', resource: `user:${hank}` }),
  );
  const acting: Visitor = { ...support, token: session('token') };
  const created = await client.perform(
    acting,
    { method: 'POST', path: '/documents', body: { title: `Repaired ${round}`, body: 'by support' }, status: 201 },
    (answer) => ({ ...forHank, action: 'document.created', resource: `document:${answer('id')}` }),
  );
  await client.perform(viewer, { method: 'GET', path: `/documents/${created('id')}`, status: 200 }, () => ({
    tenantId,
    action: 'document.read',
    outcome: 'success',
    actorId: vera,
    resource: `document:${created('id')}`,
  }));
}

async function signIn(
  client: SaasClient,
  visitor: Visitor,
  organisation: string,
  email: string,
  password: string,
  actorId: string,
): Promise<string> {
  const answer = await client.perform(
    visitor,
    { method: 'POST', path: '/sign-in', body: { organisation, email, password }, status: 201 },
    () => ({ tenantId: organisation, action: 'user.signed_in', outcome: 'success', actorId }),
  );
  return answer('token');
}
