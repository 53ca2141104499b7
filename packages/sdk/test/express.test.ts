import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { amendAuditContext, createDocket, currentAuditContext, onBehalfOf } from '../src/index.ts';
import { auditContext } from '../src/express.ts';
import { type ReceivedEvent, startScriptedGateway } from './scripted-gateway.ts';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const item of opened.splice(0).toReversed()) await item.close();
});

/** The event that one request to a small application leaves behind. */
async function recordedBy(headers: Record<string, string>, path = '/'): Promise<ReceivedEvent> {
  const gateway = await startScriptedGateway(() => ({ kind: 'accept' }));
  const docket = createDocket({ url: gateway.url, key: 'k', source: { service: 'app' }, spool: false });
  const app = express();
  app.use(auditContext({ sessionId: (request) => request.headers['x-session']?.toString() }));
  app.use((_request, _response, next) => {
    amendAuditContext({ tenantId: 'acme', actor: { type: 'user', id: 'u_1' } });
    next();
  });
  app.get('/', async (_request, response) => {
    // Across an await: the context follows the request, not the call stack.
    await new Promise(setImmediate);
    response.json(await docket.record({ action: 'page.viewed', context: { country: 'DE' } }));
  });
  app.get('/support', async (_request, response) => {
    const outcome = await onBehalfOf({ type: 'user', id: 'u_9' }, () => docket.record({ action: 'page.viewed' }));
    response.json(outcome);
  });
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  opened.push(gateway, docket, { close: () => new Promise((resolve) => server.close(resolve)) });
  const { port } = server.address() as AddressInfo;
  await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close', ...headers } });
  await docket.flush();
  const event = gateway.requests[0]?.events[0];
  if (event === undefined) throw new Error('nothing was recorded');
  return event;
}

describe('auditContext', () => {
  test('fills ip, user agent, request, trace and session; the scope gives tenant and actor', async () => {
    const event = await recordedBy({
      'user-agent': 'Firefox/1',
      'x-request-id': 'req-1',
      'x-session': 's-1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
    expect(event.context).toEqual({
      ip: '127.0.0.1',
      user_agent: 'Firefox/1',
      country: 'DE',
      session_id: 's-1',
      request_id: 'req-1',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    });
    expect(event).toMatchObject({ tenant_id: 'acme', actor: { id: 'u_1' }, metadata: {} });
  });

  test('onBehalfOf names for whom the actor acted', async () => {
    expect(await recordedBy({}, '/support')).toMatchObject({ actor: { id: 'u_1' }, on_behalf_of: { id: 'u_9' } });
  });

  test('without X-Request-Id each request gets one of its own', async () => {
    const first = await recordedBy({});
    const second = await recordedBy({});
    expect(first.context['request_id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(first.context['request_id']).not.toBe(second.context['request_id']);
  });

  test('a client cannot keep its actions out of the log by what it sends', async () => {
    const event = await recordedBy({
      'user-agent': 'x'.repeat(5000),
      'x-request-id': 'r'.repeat(300),
      traceparent: 'nonsense',
    });
    expect(event.context['user_agent']).toHaveLength(2048);
    expect(event.metadata).toEqual({ '_cut.user_agent': 5000 });
    expect(event.context['request_id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(event.context).not.toHaveProperty('trace_id');
  });

  test('limits are met exactly', async () => {
    const event = await recordedBy({ 'user-agent': 'x'.repeat(2048), 'x-request-id': 'r'.repeat(256) });
    expect(event.context['user_agent']).toHaveLength(2048);
    expect(event.context['request_id']).toHaveLength(256);
    expect(event.metadata).toEqual({});
  });
});

test('amendAuditContext outside a request does nothing and says so', () => {
  expect(amendAuditContext({ tenantId: 'acme' })).toBe(false);
});

test.each([
  ['fe80::1%eth0', 'fe80::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['unknown', undefined],
])('the address %p is recorded as %p: one that no event may hold would keep the action out of the log', (ip, shown) => {
  auditContext()({ ip, headers: {} }, undefined, () => {
    expect(currentAuditContext().context?.ip).toBe(shown);
  });
  expect.assertions(1);
});
