import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createWorld, eventually, startReceiver, startService } from '@docket/testkit';
import type { Receiver, ServiceProcess, World } from '@docket/testkit';

const token = randomBytes(24).toString('hex');
let world: World;
let service: ServiceProcess;
let receiver: Receiver;

beforeAll(async () => {
  world = await createWorld();
  receiver = await startReceiver();
  service = await startService('all-in-one', {
    ...world.env,
    DOCKET_BOOTSTRAP_TOKEN: token,
    DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
    SINK_ALLOWED_HOSTS: '127.0.0.1',
  });
}, 180_000);

afterAll(async () => {
  await service.kill();
  await receiver.close();
  await world.close();
}, 60_000);

async function call(
  method: string,
  path: string,
  credential: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${credential}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed: unknown = text === '' ? {} : JSON.parse(text);
  return { status: response.status, body: { ...Object(parsed) } };
}

describe('all services in one process, on the real stack', () => {
  test('an event that is posted is read back and delivered, all through one port', async () => {
    const made = await call('POST', '/v1/keys', token, {
      name: 'app',
      scopes: ['events:write', 'events:read', 'subscriptions:write'],
      tenants: ['acme'],
    });
    const key = String(made.body['key']);
    const subscribed = await eventually(
      async () => {
        const answer = await call('POST', '/v1/subscriptions', key, {
          sink: { type: 'webhook', url: `${receiver.url}/siem` },
        });
        return answer.status === 201 ? answer.body : undefined;
      },
      { what: 'a subscription' },
    );
    receiver.expectSecrets(String(subscribed['secret']));

    const event = {
      action: 'user.role.updated',
      actor: { type: 'user', id: 'u_1' },
      resources: [{ type: 'role', id: 'r_1' }],
    };
    const posted = await eventually(
      async () => {
        const answer = await call('POST', '/v1/events', key, event);
        return answer.status === 202 ? answer.body : undefined;
      },
      { what: 'a 202' },
    );
    const [result] = Object.values(Object(posted['results']));
    const id = String(Object(result).id);

    const found = await eventually(
      async () => {
        const { body } = await call('GET', `/v1/events?action=user.role.updated`, key);
        const [first] = Object.values(Object(body['data']));
        return Object(first).id === id ? Object(first) : undefined;
      },
      { what: 'the event in the log' },
    );
    expect(found).toMatchObject({ id, tenant_id: 'acme', ...event });

    await eventually(() => receiver.accepted().some(({ body }) => body.includes(id)), { what: 'the delivery' });
    expect(new Set(receiver.requests.map(({ signature }) => signature))).toEqual(new Set(['valid']));
  }, 120_000);

  test('one /metrics holds the metrics of all', async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    for (const name of ['gateway', 'query', 'admin', 'ingestor', 'delivery']) expect(text).toContain(`docket_${name}_`);
  });

  test('SIGTERM ends all of them within the deadline, exit 0', async () => {
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(service.logs.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  }, 30_000);
});
