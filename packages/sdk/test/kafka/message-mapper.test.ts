import { expect, test } from '@jest/globals';
import { createEventDecoder, unframeAvro } from '@docket/event';
import { eventSchemaJson, messageOf } from '../../src/kafka/message-mapper.ts';

const event = {
  id: '0199f3c2-7d10-7000-8000-000000000001',
  tenant_id: 'acme',
  action: 'a.b',
  actor: { type: 'user', id: 'u_1' },
  source: { service: 'app', instance: 'host.1', counter: 7 },
};

test('a message is keyed by the tenant and holds the event in the registered schema', () => {
  const mapped = messageOf(JSON.stringify(event), 42, Date.now());
  if (!mapped.ok) throw new Error(mapped.detail);
  expect(mapped.message.key).toBe('acme');
  const framed = unframeAvro(mapped.message.value);
  if (!framed.ok) throw new Error('not framed');
  expect(framed.schemaId).toBe(42);
  expect(createEventDecoder(JSON.parse(eventSchemaJson))(framed.body)).toMatchObject({
    id: event.id,
    tenant_id: 'acme',
    source: { counter: 7 },
  });
});

test.each([
  [{ ...event, actor: { type: 'user', id: '' } }, '/actor/id'],
  [{ ...event, unknown: 1 }, 'unknown'],
  [{ ...event, action: 'docket.log.searched' }, '/action is reserved'],
  [{ ...event, tenant_id: 'docket.x' }, '/tenant_id is reserved'],
])('what the log would quarantine is refused with the field: %j', (input, detail) => {
  expect(messageOf(JSON.stringify(input), 42, Date.now())).toEqual({
    ok: false,
    detail: expect.stringContaining(detail),
  });
});

test.each(['', JSON.stringify(event).slice(0, -9), `${JSON.stringify(event).slice(0, 20)}\u0000`, 'null', '[]'])(
  'a text that the disk has changed is refused, and holds up no other: %j',
  (text) => {
    expect(messageOf(text, 42, Date.now())).toEqual({ ok: false, detail: expect.stringMatching(/./) });
  },
);
