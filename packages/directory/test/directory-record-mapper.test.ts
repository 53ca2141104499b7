import { describe, expect, test } from '@jest/globals';

import { changeOfRecord, createDirectoryState, recordOfEntity } from '../src/index.ts';
import type { Entity, Subscription } from '../src/index.ts';

const at = '2026-01-01T00:00:00.000Z';
const subscription: Subscription = {
  version: 1,
  kind: 'subscription',
  id: 'sub_1',
  tenant_id: 'acme',
  name: 'SIEM',
  sink: { type: 'webhook', url: 'https://siem.example/in', secrets: [{ sealed: 'v1.x', created_at: at }] },
  batch: { max_events: 100, max_bytes: 1_000_000, max_wait_ms: 1000 },
  state: 'active',
  start_after_seq: 0,
  created_at: at,
  updated_at: at,
};
const entities: Entity[] = [
  { version: 1, kind: 'tenant', id: 'a:b', name: 'Acme', created_at: at },
  {
    version: 1,
    kind: 'key',
    id: '0123456789abcdef',
    name: '',
    secret_sha256: 'a'.repeat(64),
    scopes: ['admin', 'events:read'],
    tenants: '*',
    created_at: at,
    expires_at: at,
  },
  subscription,
];

describe('records of the directory', () => {
  test.each(entities)('$kind survives the round trip', (entity) => {
    const { key, value } = recordOfEntity(entity);
    expect(key).toBe(`${entity.kind}:${entity.id}`);
    expect(changeOfRecord(Buffer.from(key), value)).toEqual({ type: 'put', entity });
    expect(changeOfRecord(Buffer.from(key), null)).toEqual({ type: 'removed', kind: entity.kind, id: entity.id });
  });

  test('members that a later version added are kept and do no harm', () => {
    const later = { ...subscription, filter: 'action:user.*' };
    expect(changeOfRecord(Buffer.from('subscription:sub_1'), Buffer.from(JSON.stringify(later)))).toEqual({
      type: 'put',
      entity: later,
    });
  });

  const tenant = JSON.stringify(entities[0]);
  test.each<[string, string | null, string | null, string]>([
    ['no key', null, tenant, 'ignored'],
    ['the topology', 'topology', '{"generation":1}', 'ignored'],
    ['another kind', 'policy:1', '{}', 'ignored'],
    ['a prototype as kind', 'constructor:1', '{}', 'ignored'],
    ['a later version', 'tenant:a', '{"version":2}', 'ignored'],
    ['no JSON', 'tenant:a', '{', 'unreadable'],
    ['null', 'tenant:a', 'null', 'unreadable'],
    ['a missing member', 'tenant:a', '{"version":1,"kind":"tenant","id":"a"}', 'unreadable'],
    ['another id than its key', 'tenant:b', tenant, 'unreadable'],
    ['another kind than its key', 'key:a', tenant, 'unreadable'],
    ['an unknown scope', 'key:0123456789abcdef', JSON.stringify({ ...entities[1], scopes: ['root'] }), 'unreadable'],
    [
      'an expiry that is no time',
      'key:0123456789abcdef',
      JSON.stringify({ ...entities[1], expires_at: 'x'.repeat(24) }),
      'unreadable',
    ],
    ['a writer', 'writer', '{"version":1,"writer_id":"w"}', 'writer'],
    ['a broken writer', 'writer', '[]', 'unreadable'],
  ])('%s never throws', (_name, key, value, type) => {
    const change = changeOfRecord(key === null ? null : Buffer.from(key), value === null ? null : Buffer.from(value));
    expect(change.type).toBe(type);
  });

  test('no detail repeats a value', () => {
    const broken = JSON.stringify({ version: 1, kind: 'key', secret_sha256: 'hunter2' });
    expect(JSON.stringify(changeOfRecord(Buffer.from('key:a'), Buffer.from(broken)))).not.toContain('hunter2');
  });
});

describe('the state', () => {
  test('answers as of the last record, whichever order and repetition led there', () => {
    const state = createDirectoryState();
    for (const entity of [...entities, ...entities]) state.apply({ type: 'put', entity });
    expect([state.tenants().length, state.keys().length, state.subscriptions().length]).toEqual([1, 1, 1]);
    expect(state.tenant('a:b')).toBe(entities[0]);
    expect(state.subscriptionsOf('acme')).toEqual([subscription]);
    expect(state.subscriptionsOf('other')).toEqual([]);
  });

  test('a subscription that moves to another tenant leaves the first', () => {
    const state = createDirectoryState();
    state.apply({ type: 'put', entity: subscription });
    state.apply({ type: 'put', entity: { ...subscription, tenant_id: 'beta' } });
    expect(state.subscriptionsOf('acme')).toEqual([]);
    expect(state.subscriptionsOf('beta')).toHaveLength(1);
  });

  test('says what a change touched, and nothing for what is not an entity', () => {
    const state = createDirectoryState();
    expect(state.apply({ type: 'put', entity: subscription })).toEqual({ kind: 'subscription', id: 'sub_1' });
    expect(state.apply({ type: 'ignored', detail: '' })).toBeUndefined();
    expect(state.apply({ type: 'removed', kind: 'subscription', id: 'sub_1' })).toEqual({
      kind: 'subscription',
      id: 'sub_1',
    });
    expect(state.subscriptions()).toEqual([]);
    expect(state.apply({ type: 'removed', kind: 'key', id: 'never was' })).toEqual({ kind: 'key', id: 'never was' });
  });

  test.each([{ version: 2 }, { mode: { type: 'of a later version' } }])(
    'I6: a subscription that this version cannot read, as with %j, is there all the same: nothing of it may be forgotten',
    (later) => {
      const state = createDirectoryState();
      const key = Buffer.from('subscription:sub_1');
      state.apply(changeOfRecord(key, Buffer.from(JSON.stringify({ ...subscription, ...later }))));
      expect(state.subscription('sub_1')).toBeUndefined();
      expect(state.hasSubscription('sub_1')).toBe(true);
      state.apply(changeOfRecord(key, null));
      expect(state.hasSubscription('sub_1')).toBe(false);
    },
  );
});
