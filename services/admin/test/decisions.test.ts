import { describe, expect, test } from '@jest/globals';
import { createDirectoryState } from '@docket/directory';
import type { ApiKey, Credential, DirectoryState, Entity, Subscription } from '@docket/directory';

import { decideNewKey, decideRevocation, findKey, toPublicKey } from '../src/key-policy.ts';
import {
  decideNewSubscription,
  decidePatch,
  decideRemoval,
  findSubscription,
  tenantOfNew,
  toPublicSubscription,
} from '../src/subscription-policy.ts';
import { secretOfNew } from '../src/sink-policy.ts';
import type { NewSinkBody } from '../src/sink-bodies.ts';
import { decideNewTenant, toPublicTenant } from '../src/tenant-policy.ts';

const now = '2026-01-01T00:00:00.000Z';
const nowMs = Date.parse(now);
const all: Credential = { keyId: 'root', scopes: ['admin'], tenants: '*' };
const acme: Credential = { keyId: 'acme', scopes: ['admin', 'subscriptions:write'], tenants: ['acme'] };
const made = { id: '0123456789abcdef', secretSha256: 'a'.repeat(64) };
const sink = { type: 'webhook', url: 'https://siem.example/in' } as const;

function directoryOf(...entities: Entity[]): DirectoryState {
  const state = createDirectoryState();
  for (const entity of entities) state.apply({ type: 'put', entity });
  return state;
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('tenants', () => {
  test('a new one takes its id as name', () => {
    const { puts, result } = decideNewTenant(directoryOf(), { id: 'acme' }, now);
    expect(puts).toEqual([result]);
    expect(toPublicTenant(result)).toEqual({ id: 'acme', name: 'acme', created_at: now });
  });

  test('an existing one is a conflict, a reserved one invalid', () => {
    const known = decideNewTenant(directoryOf(), { id: 'acme' }, now).result;
    expect(() => decideNewTenant(directoryOf(known), { id: 'acme' }, now)).toThrow(code('conflict'));
    expect(() => decideNewTenant(directoryOf(), { id: 'docket.own' }, now)).toThrow(code('invalid_body'));
  });
});

describe('keys', () => {
  const body = { name: 'k', scopes: ['events:write' as const], tenants: ['acme'] };
  const newKey = (changes: object = {}, caller = all): ApiKey =>
    decideNewKey(directoryOf(), caller, { ...body, ...changes }, made, nowMs).result;

  test('a new one holds the hash, and shows everything but it', () => {
    const key = newKey({ expires_at: '2026-01-02T01:00:00.5+01:00' });
    expect(key.secret_sha256).toBe(made.secretSha256);
    expect(toPublicKey(key, nowMs, undefined)).toEqual({
      id: made.id,
      name: 'k',
      scopes: ['events:write'],
      tenants: ['acme'],
      created_at: now,
      expires_at: '2026-01-02T00:00:00.500Z',
    });
  });

  test.each<[string, object, Credential, string]>([
    ['reaches further than its maker', { tenants: ['acme', 'beta'] }, acme, 'tenant_not_allowed'],
    ['reaches everything', { tenants: '*' }, acme, 'tenant_not_allowed'],
    ['is for a reserved tenant', { tenants: ['acme', 'docket.x'] }, all, 'invalid_body'],
    ['expires now', { expires_at: now }, all, 'invalid_body'],
    ['expires at no time', { expires_at: 'tomorrow' }, all, 'invalid_body'],
    ['expires without an offset', { expires_at: '2030-01-01T00:00:00' }, all, 'invalid_body'],
  ])('a key that %s is refused', (_name, changes, caller, expected) => {
    expect(() => newKey(changes, caller)).toThrow(code(expected));
  });

  const keysOf = (tenants: string[] | '*', count: number, changes: Partial<ApiKey> = {}): ApiKey[] =>
    Array.from({ length: count }, (_, i) => ({
      ...newKey({ tenants }),
      id: `${tenants === '*' ? 'f' : 'a'}${i.toString(16).padStart(15, '0')}`,
      ...changes,
    }));

  test('I7: one tenant’s admin cannot use up the keys of all', () => {
    const full = directoryOf(...keysOf(['acme'], 500), ...keysOf('*', 10));
    expect(() => decideNewKey(full, acme, body, made, nowMs)).toThrow(code('limit_reached'));
    expect(decideNewKey(full, all, body, made, nowMs).puts).toHaveLength(1);
    const almost = directoryOf(...keysOf(['acme'], 499), ...keysOf('*', 10));
    expect(decideNewKey(almost, acme, body, made, nowMs)).not.toHaveProperty('removes');
  });

  test('at the limit the oldest key that is revoked or expired makes room', () => {
    const spent = [
      ...keysOf(['acme'], 1, { id: 'b'.repeat(16), created_at: '2025-01-02T00:00:00.000Z', revoked_at: now }),
      ...keysOf(['acme'], 1, { id: 'c'.repeat(16), created_at: '2025-01-01T00:00:00.000Z', expires_at: now }),
    ];
    const directory = directoryOf(...keysOf(['acme'], 498), ...spent);
    expect(decideNewKey(directory, acme, body, made, nowMs).removes).toEqual([{ kind: 'key', id: 'c'.repeat(16) }]);
  });

  test('revoking marks it, and twice changes nothing', () => {
    const revoked = decideRevocation(directoryOf(newKey()), all, made.id, now);
    expect(revoked.puts).toEqual([{ ...newKey(), revoked_at: now }]);
    expect(decideRevocation(directoryOf(revoked.result), all, made.id, 'later').puts).toBeUndefined();
  });

  test('a key beyond the caller’s reach does not exist for him', () => {
    const directory = directoryOf(newKey({ tenants: '*' }));
    expect(() => findKey(directory, acme, made.id)).toThrow(code('not_found'));
    expect(() => decideRevocation(directory, acme, made.id, now)).toThrow(code('not_found'));
    expect(() => findKey(directory, all, 'unknown')).toThrow(code('not_found'));
  });
});

describe('subscriptions', () => {
  const seal = (text: string): string => `sealed ${text}`;
  const sealMaskKey = (): string => 'sealed key';
  const isDone = (): boolean => false;
  const end = { generation: 1, offset: 17 };
  const order = { id: 'res_1', now, end };
  const ids = { id: 'sub_1', tenantId: 'acme', sealedSecret: 'v1.sealed', now, seal, sealMaskKey, isDone, order };
  const newSubscription = (changes: object = {}): Subscription =>
    decideNewSubscription(directoryOf(), { sink, ...changes }, ids, []).result;

  test('several batches under way at once are the owner’s choice, and may be taken back', () => {
    const mode = { type: 'window', batches: 4 } as const;
    const known = newSubscription({ mode });
    expect(toPublicSubscription(known, isDone).mode).toEqual(mode);
    const context = { now: 'later', allowedHosts: [], seal, sealMaskKey };
    const ordered = decidePatch(directoryOf(known), all, known.id, { mode: { type: 'ordered' } }, context).result;
    expect(toPublicSubscription(ordered, isDone).mode).toEqual({ type: 'ordered' });
    expect(decidePatch(directoryOf(known), all, known.id, { name: 'other' }, context).result.mode).toEqual(mode);
  });

  test('a new one is active, from the beginning, with the default batch, and shows no secret', () => {
    const subscription = newSubscription();
    expect(subscription.sink.secrets).toEqual([{ sealed: 'v1.sealed', created_at: now }]);
    expect(toPublicSubscription(subscription, isDone)).toEqual({
      id: 'sub_1',
      tenant_id: 'acme',
      name: 'sub_1',
      sink,
      filter: '',
      batch: { max_events: 100, max_bytes: 1_048_576, max_wait_ms: 1000 },
      mode: { type: 'ordered' },
      state: 'active',
      start_after_seq: 0,
      created_at: now,
      updated_at: now,
    });
  });

  test.each([
    [undefined, 0],
    ['beginning', 0],
    [{ after_seq: 41 }, 41],
  ])('start %j begins after seq %i', (start, expected) => {
    expect(newSubscription(start === undefined ? {} : { start }).start_after_seq).toBe(expected);
  });

  test('start now begins where the log ended, by no clock; start from a time with what was received since, which is not later than now', () => {
    expect(newSubscription({ start: 'now' })).toMatchObject({
      start_after_seq: 0,
      resume: { id: 'res_1', received_from: now, place: end },
    });
    const since = (time: string): unknown => newSubscription({ start: { time } }).resume;
    expect(since('2020-01-01T00:00:00Z')).toEqual({ id: 'res_1', received_from: '2020-01-01T00:00:00.000Z' });
    expect(since('2999-01-01T00:00:00Z')).toEqual({ id: 'res_1', received_from: now });
    expect(() => since('yesterday')).toThrow(
      expect.objectContaining({
        code: 'invalid_body',
        errors: [{ pointer: '/start/time', detail: 'is no time of RFC 3339' }],
      }),
    );
  });

  test('a URL that may not be a sink is refused by pointer', () => {
    expect(() => newSubscription({ sink: { ...sink, url: 'http://siem.example' } })).toThrow(
      expect.objectContaining({ code: 'invalid_body', errors: [{ pointer: '/sink/url', detail: expect.any(String) }] }),
    );
  });

  test.each([
    ['color:red', /^unknown field .*\(at 1\)$|color.*\(at 1\)$/],
    ['action:user.* severity:loud', /is one of info.*\(at 24\)$/],
    ['action:a status:accepted', /cannot be asked for here \(at 17\)$/],
    ['occurred_at:>-7d', /relative one has no meaning here \(at 13\)$/],
    ['(action:a', /is not closed \(at 1\)$/],
  ])('the filter %j is refused, and the place is named', (filter, detail) => {
    const problem = expect.objectContaining({
      code: 'invalid_body',
      errors: [{ pointer: '/filter', detail: expect.stringMatching(detail) }],
    });
    expect(() => newSubscription({ filter })).toThrow(problem);
    const context = { now: 'later', allowedHosts: [], seal, sealMaskKey };
    expect(() => decidePatch(directoryOf(newSubscription()), acme, 'sub_1', { filter }, context)).toThrow(problem);
  });

  test('a filter is kept as it was written, changed by a patch, and shown', () => {
    const known = newSubscription({ filter: 'action:user.* -outcome:success' });
    expect(toPublicSubscription(known, isDone).filter).toBe('action:user.* -outcome:success');
    const context = { now: 'later', allowedHosts: [], seal, sealMaskKey };
    const { result } = decidePatch(directoryOf(known), acme, 'sub_1', { filter: '' }, context);
    expect(toPublicSubscription(result, isDone)).toMatchObject({ filter: '', updated_at: 'later' });
    expect(decidePatch(directoryOf(known), acme, 'sub_1', { name: 'x' }, context).result.filter).toBe(known.filter);
  });

  test('a mask is kept and shown without its key, which is made for the first pseudonym and kept from then on', () => {
    const drop = { field: 'context.ip', action: 'drop' } as const;
    const hmac = { field: 'actor.id', action: 'hmac' } as const;
    const context = { now: 'later', allowedHosts: [], seal, sealMaskKey };
    const dropping = newSubscription({ mask: [drop] });
    expect(dropping).toMatchObject({ mask: [drop] });
    expect(dropping).not.toHaveProperty('mask_key');
    const { result: both } = decidePatch(directoryOf(dropping), acme, 'sub_1', { mask: [drop, hmac] }, context);
    expect(both).toMatchObject({ mask: [drop, hmac], mask_key: 'sealed key', updated_at: 'later' });
    expect(toPublicSubscription(both, isDone).mask).toEqual([drop, hmac]);
    expect(JSON.stringify(toPublicSubscription(both, isDone))).not.toContain('sealed key');
    const { result: none } = decidePatch(directoryOf(both), acme, 'sub_1', { mask: [] }, context);
    expect(none.mask_key).toBe('sealed key');
    expect(toPublicSubscription(none, isDone)).not.toHaveProperty('mask');
    const anew = { ...context, sealMaskKey: () => 'another key' };
    expect(decidePatch(directoryOf(none), acme, 'sub_1', { mask: [hmac] }, anew).result.mask_key).toBe('sealed key');
    expect(decidePatch(directoryOf(both), acme, 'sub_1', { name: 'x' }, context).result.mask).toEqual([drop, hmac]);
  });

  test.each([
    [[{ field: 'tenant_id', action: 'drop' }], 0],
    [[{ field: 'seq', action: 'hmac' }], 0],
    [[{ field: 'actor.id', action: 'drop' }], 0],
    [[{ field: 'changes', action: 'hmac' }], 0],
    [[{ field: 'metadata.', action: 'drop' }], 0],
    [
      [
        { field: 'actor.name', action: 'drop' },
        { field: 'actor.name', action: 'hmac' },
      ],
      1,
    ],
  ])('the mask %j is refused, and the field is named', (mask, index) => {
    const errors = [{ pointer: `/mask/${index}/field`, detail: expect.any(String) }];
    expect(() => newSubscription({ mask })).toThrow(expect.objectContaining({ code: 'invalid_body', errors }));
  });

  test('a host that the operator allows to one tenant is allowed to no other', () => {
    const inside = { sink: { ...sink, url: 'http://siem.internal/in' } };
    const decide = (tenantId: string) => () =>
      decideNewSubscription(directoryOf(), inside, { ...ids, tenantId }, ['acme@siem.internal']);
    expect(decide('acme')).not.toThrow();
    expect(decide('globex')).toThrow(code('invalid_body'));
    const patch = (known: Subscription) => () =>
      decidePatch(directoryOf(known), all, 'sub_1', inside, {
        now: 'later',
        allowedHosts: ['acme@siem.internal'],
        seal,
        sealMaskKey,
      });
    expect(patch(newSubscription())).not.toThrow();
    expect(patch({ ...newSubscription(), tenant_id: 'globex' })).toThrow(code('invalid_body'));
  });

  test('a tenant has at most 100', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => ({ ...newSubscription(), id: `sub_${n}` }));
    expect(() => decideNewSubscription(directoryOf(...hundred), { sink }, ids, [])).toThrow(code('limit_reached'));
    expect(() => decideNewSubscription(directoryOf(...hundred.slice(1)), { sink }, ids, [])).not.toThrow();
  });

  test.each<[Credential, string | undefined, string]>([
    [all, undefined, 'tenant_required'],
    [acme, 'beta', 'tenant_not_allowed'],
    [all, 'docket.x', 'invalid_body'],
  ])('for %j, tenant %p is %s', (caller, tenantId, expected) => {
    const body = tenantId === undefined ? { sink } : { sink, tenant_id: tenantId };
    expect(() => tenantOfNew(caller, body)).toThrow(code(expected));
  });

  test('a key for one tenant implies it', () => {
    expect(tenantOfNew(acme, { sink })).toBe('acme');
  });

  test('a patch changes what it names and keeps the rest, secrets included', () => {
    const known = newSubscription();
    const body = { state: 'paused', sink: { url: 'https://new.example/' }, batch: { max_events: 5 } } as const;
    const { puts } = decidePatch(directoryOf(known), acme, 'sub_1', body, {
      now: 'later',
      allowedHosts: [],
      seal,
      sealMaskKey,
    });
    expect(puts).toEqual([
      {
        ...known,
        state: 'paused',
        sink: { ...known.sink, url: 'https://new.example/' },
        batch: { ...known.batch, max_events: 5 },
        updated_at: 'later',
      },
    ]);
  });

  describe('with a sink that takes a token', () => {
    const sinks: NewSinkBody[] = [
      { type: 'splunk_hec', url: 'https://splunk.example', token: 'very secret', index: 'main', host: 'h' },
      { type: 'datadog', url: 'https://intake.example', token: 'very secret', service: 's', tags: ['env:prod'] },
      { type: 'elastic_bulk', url: 'https://es.example', token: 'very:secret', index: 'audit', auth: 'basic' },
    ];

    test.each(sinks)('$type: settings are kept and shown, the token is neither', (body) => {
      const { token, ...shown } = body as { token: string };
      expect(secretOfNew(body)).toBe(token);
      const subscription = newSubscription({ sink: body });
      expect(subscription.sink).toEqual({ ...shown, secrets: [{ sealed: 'v1.sealed', created_at: now }] });
      expect(toPublicSubscription(subscription, isDone).sink).toEqual(shown);
      expect(JSON.stringify(subscription)).not.toContain(token);
    });

    test.each(sinks)('$type: a new token replaces the old one', (body) => {
      const known = newSubscription({ sink: body });
      const patch = { sink: { token: 'a:b' } };
      const { result } = decidePatch(directoryOf(known), acme, 'sub_1', patch, {
        now: 'later',
        allowedHosts: [],
        seal,
        sealMaskKey,
      });
      expect(result).toEqual({
        ...known,
        sink: { ...known.sink, secrets: [{ sealed: 'sealed a:b', created_at: 'later' }] },
        updated_at: 'later',
      });
    });

    const refused = (pointer: string) => expect.objectContaining({ errors: [{ pointer, detail: expect.any(String) }] });
    const patch = (sinkBody: object, known: Subscription) => () =>
      decidePatch(directoryOf(known), acme, 'sub_1', { sink: sinkBody }, { now, allowedHosts: [], seal, sealMaskKey })
        .result.sink;

    test.each(sinks)('$type: a token goes to no other server than the one that it was given for', (body) => {
      const known = newSubscription({ sink: body });
      const elsewhere = [body.url.replace('.example', '.evil.example'), `${body.url}:8443`];
      for (const url of elsewhere) expect(patch({ url }, known)).toThrow(refused('/sink/token'));
      expect(patch({ url: elsewhere[0], token: 'new:one' }, known)()).toEqual({
        ...known.sink,
        url: elsewhere[0],
        secrets: [{ sealed: 'sealed new:one', created_at: now }],
      });
      for (const url of [`${body.url}/other?path`, `${body.url}:443/`])
        expect(patch({ url }, known)()).toEqual({ ...known.sink, url });
    });

    test('a webhook takes no token, and basic needs user:password', () => {
      expect(patch({ token: 'x' }, newSubscription())).toThrow(refused('/sink/token'));
      expect(patch({ token: 'x' }, newSubscription({ sink: sinks[2] }))).toThrow(refused('/sink/token'));
      expect(() =>
        secretOfNew({ type: 'elastic_bulk', url: 'https://h', index: 'i', auth: 'basic', token: 'x' }),
      ).toThrow(refused('/sink/token'));
    });

    test('the layout of a webhook and the format of events are kept and shown', () => {
      const subscription = newSubscription({ sink: { ...sink, layout: 'ndjson' }, format: 'ocsf' });
      expect(toPublicSubscription(subscription, isDone)).toMatchObject({
        sink: { ...sink, layout: 'ndjson' },
        format: 'ocsf',
      });
    });
  });

  test('a patch that changes nothing writes nothing', () => {
    const { puts } = decidePatch(
      directoryOf(newSubscription()),
      acme,
      'sub_1',
      { state: 'active' },
      { now: 'later', allowedHosts: [], seal, sealMaskKey },
    );
    expect(puts).toBeUndefined();
  });

  test('I5: another tenant’s subscription does not exist', () => {
    const beta: Credential = { ...acme, tenants: ['beta'] };
    const directory = directoryOf(newSubscription());
    expect(() => findSubscription(directory, beta, 'sub_1')).toThrow(code('not_found'));
    expect(() =>
      decidePatch(directory, beta, 'sub_1', { state: 'paused' }, { now, allowedHosts: [], seal, sealMaskKey }),
    ).toThrow(code('not_found'));
    expect(() => decideRemoval(directory, beta, 'sub_1')).toThrow(code('not_found'));
    expect(decideRemoval(directory, acme, 'sub_1').removes).toEqual([{ kind: 'subscription', id: 'sub_1' }]);
  });
});
