import { expect, test } from '@jest/globals';
import { eventSchema, newEventId, parseEvent } from '@docket/event';
import type { EventInput } from '../src/index.ts';
import { numberedSource, toWireEvent, toWireText, withSource } from '../src/event-mapper.ts';

type Complete<T> = T extends (infer Item)[]
  ? Complete<Item>[]
  : T extends Date
    ? T
    : T extends object
      ? { [Key in keyof T]-?: Complete<NonNullable<T[Key]>> }
      : T;

/** Every field that the SDK knows: leaving one out does not compile. */
const complete: Complete<EventInput> = {
  id: '0199f3c2-0000-7000-8000-000000000001',
  tenant_id: 'acme',
  occurred_at: '2026-11-23T09:00:00.123456Z',
  action: 'user.role.updated',
  category: 'access',
  operation: 'update',
  outcome: 'success',
  outcome_reason: 'asked for',
  severity: 'low',
  actor: { type: 'user', id: 'u_1', name: 'Jane', metadata: { team: 'blue' } },
  on_behalf_of: { type: 'user', id: 'u_9', name: 'Joe' },
  resources: [{ type: 'role', id: 'r_1', name: 'Admin', metadata: { level: 3 } }],
  changes: [{ path: 'permissions', old: 'read', new: ['write'] }],
  description: 'Jane changed a role',
  context: {
    ip: '203.0.113.7',
    user_agent: 'Firefox',
    country: 'DE',
    session_id: 's',
    request_id: 'r',
    trace_id: 't',
  },
  metadata: { plan: 'pro' },
};
const stamp = {
  id: newEventId(),
  nowMs: Date.parse('2026-11-23T09:00:01Z'),
  tenantId: 'acme',
};

test('the SDK knows every field of the event schema, and sends what the gateway takes', () => {
  const mapped = toWireEvent(complete, {}, stamp);
  if (!mapped.ok) throw new Error(mapped.detail);
  const source = numberedSource({ service: 'app', version: '1', instance: 'a' }, 'b', 1);
  const text = withSource(toWireText(mapped.event), source);
  const event: Record<string, object> = JSON.parse(text);
  expect(Object.keys(event).sort()).toEqual(Object.keys(eventSchema.properties).sort());
  expect(event['source']).toEqual({ service: 'app', version: '1', instance: 'a.b', counter: 1 });
  expect(Object.keys(mapped.event.context ?? {}).sort()).toEqual(
    Object.keys(eventSchema.properties.context.properties).sort(),
  );
  expect(Object.keys(event['source'] ?? {}).sort()).toEqual(
    Object.keys(eventSchema.properties.source.properties).sort(),
  );
  expect(parseEvent(event, stamp.nowMs, stamp.id)).toMatchObject({ ok: true });
});

test('what is left out comes from the audit context, then from the recorder, and what is given wins', () => {
  const ambient = {
    tenantId: 'globex',
    actor: { type: 'user', id: 'u_2' },
    onBehalfOf: { type: 'user', id: 'u_3' },
    context: { ip: '203.0.113.8', request_id: 'ambient' },
    metadata: { a: 1, b: 1 },
  };
  const mapped = toWireEvent(
    { action: 'a.b', context: { request_id: 'own', ip: undefined }, metadata: { b: 2 } },
    ambient,
    { ...stamp, tenantId: ambient.tenantId },
  );
  expect(mapped).toMatchObject({
    ok: true,
    event: {
      id: stamp.id,
      tenant_id: 'globex',
      occurred_at: '2026-11-23T09:00:01.000Z',
      actor: { id: 'u_2' },
      on_behalf_of: { id: 'u_3' },
      context: { ip: '203.0.113.8', request_id: 'own' },
      metadata: { a: 1, b: 2 },
    },
  });
});

test('a lone surrogate anywhere becomes U+FFFD, so that no client keeps an action out of the log by a name', () => {
  const mapped = toWireEvent(
    {
      ...complete,
      resources: [{ type: 'document', id: 'd_1', name: 'a\ud800' }],
      changes: [{ path: 'p', old: { 'k\udfff': '\udc00\ud83d' }, new: '\ud83d\ude00 \\ud800 \\\ud800' }],
    },
    {},
    stamp,
  );
  if (!mapped.ok) throw new Error(mapped.detail);
  const sent: unknown = JSON.parse(toWireText(mapped.event));
  expect(sent).toMatchObject({
    resources: [{ name: 'a\ufffd' }],
    changes: [{ old: { 'k\ufffd': '\ufffd\ufffd' }, new: '\ud83d\ude00 \\ud800 \\\ufffd' }],
  });
  expect(parseEvent(sent, Date.now(), newEventId()).ok).toBe(true);
});

test('a source in what is handed in does not become a second one', () => {
  const given = { ...complete, source: { service: 'another' } };
  const mapped = toWireEvent(given, {}, stamp);
  if (!mapped.ok) throw new Error(mapped.detail);
  const text = withSource(toWireText(mapped.event), numberedSource({ service: 'app' }, 'b', 1));
  expect(text.match(/"source":/g)).toHaveLength(1);
  expect(JSON.parse(text)).toMatchObject({ source: { service: 'app', instance: 'b', counter: 1 } });
});
