import { describe, expect, test } from '@jest/globals';
import type { ApiKey, Credential, EntityChange, Subscription, Tenant } from '@docket/directory';
import { newEventId, parseEvent } from '@docket/event';

import { eventOfParked, eventsOfChange, nameOfChange } from '../src/change-event-mapper.ts';

const at = '2026-01-01T00:00:00.000Z';
const later = '2026-01-02T00:00:00.000Z';
const hash = 'a'.repeat(64);
const tenant: Tenant = { version: 1, kind: 'tenant', id: 'acme', name: 'Acme', created_at: at };
const key: ApiKey = {
  version: 1,
  kind: 'key',
  id: '00000000000000aa',
  name: 'for acme and globex',
  secret_sha256: hash,
  scopes: ['events:read'],
  tenants: ['acme'],
  created_at: at,
};
const subscription: Subscription = {
  version: 1,
  kind: 'subscription',
  id: 'sub_1',
  tenant_id: 'acme',
  name: 'SIEM',
  sink: {
    type: 'webhook',
    url: 'https://siem.example/in?token=t0p',
    secrets: [{ sealed: 'sealed-1', created_at: at }],
  },
  batch: { max_events: 100, max_bytes: 100_000, max_wait_ms: 0 },
  state: 'active',
  start_after_seq: 0,
  created_at: at,
  updated_at: at,
};
const updated: Subscription = { ...subscription, updated_at: later };
const splunk: Subscription = {
  ...subscription,
  sink: { type: 'splunk_hec', url: 'https://splunk.example', secrets: subscription.sink.secrets },
};
const otherSecret = [{ sealed: 'sealed-2', created_at: later }];
const caller: Credential = { keyId: '00000000000000bb', scopes: ['admin'], tenants: ['acme'] };
const origin = { caller, now: later, ip: '203.0.113.7', userAgent: 'curl/8', requestId: 'r-1' };

const of = (before: EntityChange['before'], after: EntityChange['after']): EntityChange => ({ before, after });
const changesOf = (change: EntityChange) => eventsOfChange(change, origin)[0]?.changes;

describe('what a change is called', () => {
  test.each<[string, EntityChange]>([
    ['tenant.created', of(undefined, tenant)],
    ['key.created', of(undefined, key)],
    ['key.rotated', of(key, { ...key, secret_sha256: 'b'.repeat(64), rotated_at: later })],
    ['key.revoked', of(key, { ...key, revoked_at: later })],
    ['key.removed', of({ ...key, revoked_at: later }, undefined)],
    ['subscription.created', of(undefined, subscription)],
    ['subscription.updated', of(subscription, { ...updated, filter: 'actor:u_1' })],
    ['subscription.updated', of(splunk, { ...splunk, sink: { ...splunk.sink, secrets: otherSecret } })],
    ['subscription.paused', of(subscription, { ...updated, state: 'paused', name: 'x' })],
    ['subscription.resumed', of({ ...subscription, state: 'paused' }, updated)],
    ['subscription.resumed', of(subscription, updated)],
    ['subscription.resumed', of(subscription, { ...updated, resume: { id: 'res_1', received_from: at } })],
    ['subscription.secret_rotated', of(subscription, { ...updated, sink: { ...updated.sink, secrets: otherSecret } })],
    ['subscription.replay_started', of(undefined, { ...subscription, replay: { of: 'sub_0', to_seq: 9 } })],
    ['subscription.removed', of(subscription, undefined)],
  ])('%s', (name, change) => {
    expect(nameOfChange(change)).toBe(name);
    const events = eventsOfChange(change, origin);
    expect(events.map(({ action }) => action)).toEqual([`docket.${name}`]);
    for (const event of events) expect(parseEvent(event, Date.parse(later), newEventId())).toMatchObject({ ok: true });
  });
});

describe('the event that tells a change', () => {
  test('says who changed what, when, from where, and how it was before', () => {
    expect(eventsOfChange(of(subscription, { ...updated, filter: 'actor:u_1' }), origin)).toEqual([
      {
        tenant_id: 'acme',
        occurred_at: later,
        action: 'docket.subscription.updated',
        category: 'configuration',
        operation: 'update',
        actor: {
          type: 'api_key',
          id: '00000000000000bb',
          metadata: { key_id: '00000000000000bb', view: 'tenant' },
        },
        resources: [{ type: 'subscription', id: 'sub_1', name: 'SIEM' }],
        changes: [{ path: 'filter', old: '', new: 'actor:u_1' }],
        context: { ip: '203.0.113.7', user_agent: 'curl/8', request_id: 'r-1' },
        source: { service: 'docket-admin' },
      },
    ]);
  });

  test('of the bootstrap token and of a key for every tenant says that it was an operator', () => {
    const actorOf = (keyId: string) =>
      eventsOfChange(of(undefined, tenant), { ...origin, caller: { ...caller, keyId, tenants: '*' } })[0]?.actor;
    expect(actorOf('bootstrap')).toMatchObject({ type: 'bootstrap_token', metadata: { view: 'operator' } });
    expect(actorOf('00000000000000bb')).toMatchObject({ type: 'api_key', metadata: { view: 'operator' } });
  });

  test('of what is new names all that it has, of what is gone all that it had', () => {
    const made = changesOf(of(undefined, key));
    expect(made).toEqual([
      { path: 'name', new: key.name },
      { path: 'scopes', new: ['events:read'] },
      { path: 'tenants', new: ['acme'] },
      { path: 'secret' },
    ]);
    const gone = changesOf(of(subscription, undefined));
    expect(gone).toContainEqual({ path: 'batch.max_events', old: 100 });
    expect(gone?.every((change) => !('new' in change))).toBe(true);
  });

  test('of a key for several tenants is in the log of each, and tells none of the others (I5)', () => {
    const shared: ApiKey = { ...key, tenants: ['acme', 'globex'] };
    const events = eventsOfChange(of(undefined, shared), origin);
    expect(events.map(({ tenant_id: log }) => log)).toEqual(['acme', 'globex']);
    expect(JSON.stringify(events[0])).not.toContain('globex');
    expect(events[0]?.resources).toEqual([{ type: 'api_key', id: key.id }]);
    expect(events[0]?.changes).toEqual([{ path: 'scopes', new: ['events:read'] }, { path: 'secret' }]);
  });

  test('of a key for every tenant is in the operators’ log', () => {
    const [event, ...others] = eventsOfChange(of(undefined, { ...key, tenants: '*' }), origin);
    expect(event).toMatchObject({
      tenant_id: 'docket.operators',
      changes: expect.arrayContaining([{ path: 'tenants', new: '*' }]),
    });
    expect(others).toEqual([]);
  });

  test('tells no secret: that there is another one, and of a URL only where it leads', () => {
    const rotated: Subscription = {
      ...updated,
      sink: { ...updated.sink, url: 'https://other.example/in/xoxb-1', secrets: otherSecret },
    };
    expect(changesOf(of(subscription, rotated))).toEqual([
      { path: 'sink.url', old: 'https://siem.example/…', new: 'https://other.example/…' },
      { path: 'sink.secret' },
    ]);
    const everything = [of(undefined, key), of(key, undefined), of(undefined, subscription), of(subscription, rotated)];
    const text = JSON.stringify(everything.map((change) => eventsOfChange(change, origin)));
    expect(text).not.toMatch(/sealed-|sha256|t0p|xoxb|aaaa/);
  });

  test('of headers the names are told, also when only values have changed', () => {
    const withHeaders = (sealed: string): Subscription => ({
      ...updated,
      sink: { ...updated.sink, type: 'webhook', headers: { names: ['x-a'], sealed } },
    });
    expect(changesOf(of(subscription, withHeaders('sealed-1')))).toEqual([{ path: 'sink.headers', new: ['x-a'] }]);
    expect(changesOf(of(withHeaders('sealed-1'), withHeaders('sealed-2')))).toEqual([
      { path: 'sink.headers', old: ['x-a'], new: ['x-a'] },
    ]);
  });

  test('names a member whose value is beyond what a change may have, without the value', () => {
    const filter = 'ü'.repeat(4_096);
    expect(changesOf(of(subscription, { ...updated, filter }))).toEqual([{ path: 'filter', old: '' }]);
    const fits = 'ü'.repeat(4_095);
    expect(changesOf(of(subscription, { ...updated, filter: fits }))).toEqual([{ path: 'filter', old: '', new: fits }]);
  });

  test('is an event whatever the names hold: no change is refused for its telling', () => {
    const odd = '\ud800' + '😀'.repeat(127);
    const tenants = Array.from({ length: 1_000 }, (_, n) => `t${n}`.padEnd(128, 'x'));
    const [first] = eventsOfChange(of(undefined, { ...key, name: odd, tenants: '*' }), origin);
    const many = eventsOfChange(of(undefined, { ...key, name: odd, tenants }), origin);
    expect(many).toHaveLength(1_000);
    const named = eventsOfChange(of({ ...subscription, name: odd }, { ...updated, name: 'x' }), origin);
    for (const event of [first, many[0], ...named]) {
      expect(parseEvent(event, Date.parse(later), newEventId())).toMatchObject({ ok: true });
    }
  });

  test('of parked events that are sent again says how many, and which', () => {
    const parked = (seq: number) => ({ seq, error: '', answerExcerpt: '', parkedAtMs: 0, asks: 0, refused: 0 });
    const event = eventOfParked('parked_replay_started', subscription, [parked(4), parked(9)], origin);
    expect(event).toMatchObject({
      action: 'docket.subscription.parked_replay_started',
      metadata: { events: 2, first_seq: 4, last_seq: 9 },
    });
    expect(parseEvent(event, Date.parse(later), newEventId())).toMatchObject({ ok: true });
    const dismissed = eventOfParked('parked_dismissed', subscription, [parked(4), parked(9)], origin);
    expect(dismissed).toMatchObject({ action: 'docket.subscription.parked_dismissed', metadata: { seqs: '4 9' } });
    const many = Array.from({ length: 1_000 }, (_, index) => parked(Number.MAX_SAFE_INTEGER - index));
    const told = eventOfParked('parked_dismissed', subscription, many, origin);
    expect(parseEvent(told, Date.parse(later), newEventId())).toMatchObject({ ok: true });
  });
});
