import { describe, expect, test } from '@jest/globals';
import type { Credential } from '@docket/directory';
import { createEventDecoder, idFromIdempotencyKey } from '@docket/event';
import { auditEventAvro } from '@docket/schemas';

import { judgeEvents } from '../../src/judging/event-verdict-policy.ts';
import type { BadEvent, Verdict, VerdictContext } from '../../src/judging/event-verdict-policy.ts';

const arrivalMs = Date.parse('2026-01-01T00:00:00Z');
const minimal = { tenant_id: 'acme', action: 'user.created', actor: { type: 'user', id: 'u_1' } };
const { tenant_id: _tenant, ...nameless } = minimal;
const id = '0199f3c2-0000-7000-8000-000000000001';
const madeId = '0199f3c2-0000-7000-8000-00000000000f';
const decode = createEventDecoder(auditEventAvro);

function contextWith(tenants: Credential['tenants'], changes: Partial<VerdictContext> = {}): VerdictContext {
  return {
    credential: { keyId: 'k1', scopes: ['events:write'], tenants },
    receivedFrom: '203.0.113.7',
    arrivalMs,
    idempotencyKey: undefined,
    isLenient: false,
    traceId: undefined,
    isKnownTenant: () => true,
    newId: () => madeId,
    ...changes,
  };
}

function judge(input: unknown, tenants: Credential['tenants'] = '*', changes: Partial<VerdictContext> = {}): Verdict {
  const [verdict] = judgeEvents([input], contextWith(tenants, changes));
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
}

function decoded(verdict: Verdict) {
  if (verdict.kind === 'bad') throw new Error(JSON.stringify(verdict.errors));
  return decode(verdict.body);
}

describe('good events', () => {
  test('are stamped with the key and the address', () => {
    expect(decoded(judge(minimal)).ingest).toEqual({ key_id: 'k1', received_from: '203.0.113.7' });
  });

  test('take the tenant of a key that is good for one alone', () => {
    expect(decoded(judge(nameless, ['acme'])).tenant_id).toBe('acme');
  });

  test('keep their id; without one they take the Idempotency-Key’s, then a new one', () => {
    expect(decoded(judge({ ...minimal, id: id.toUpperCase() })).id).toBe(id);
    expect(decoded(judge(minimal)).id).toBe(madeId);
    const keyed = judgeEvents([minimal, { ...minimal, id }, minimal], contextWith('*', { idempotencyKey: 'retry-1' }));
    expect(keyed.map((verdict) => verdict.id)).toEqual([
      idFromIdempotencyKey('acme', 'retry-1', 0),
      id,
      idFromIdempotencyKey('acme', 'retry-1', 2),
    ]);
  });

  test('lenient: fields that no event has are kept as metadata, and said; strict: they are errors', () => {
    const input = { ...minimal, acton: 'x', actor: { ...minimal.actor, email: 'j@example.com' } };
    const verdict = judge(input, '*', { isLenient: true });
    expect(decoded(verdict).metadata).toEqual({ '_unknown.acton': 'x', '_unknown.actor.email': 'j@example.com' });
    expect(verdict).toMatchObject({ kept: [{ pointer: '/actor/email' }, { pointer: '/acton' }] });
    expect(judge(input)).toMatchObject({ kind: 'bad', errors: [{ pointer: '/actor/email' }, { pointer: '/acton' }] });
  });

  test('lenient: an event that is wrong beyond that is bad, with the errors of what was sent', () => {
    const verdict = judge({ ...minimal, acton: 'x', outcome: 'perhaps' }, '*', { isLenient: true });
    expect(verdict).toMatchObject({ kind: 'bad', errors: [{ pointer: '/acton' }, { pointer: '/outcome' }] });
  });

  test('take the trace of the request, unless they name one', () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    expect(decoded(judge(minimal, '*', { traceId })).context.trace_id).toBe(traceId);
    const named = { ...minimal, context: { trace_id: 'own' } };
    expect(decoded(judge(named, '*', { traceId })).context.trace_id).toBe('own');
  });

  test('sent again in another trace, are the same byte for byte where they have the same id', () => {
    const sent = (input: unknown, traceId: string, idempotencyKey?: string): unknown => {
      const verdict = judge(input, '*', { traceId, idempotencyKey });
      return { id: verdict.id, event: decoded(verdict) };
    };
    const [first, second] = ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'];
    expect(sent({ ...minimal, id }, second)).toEqual(sent({ ...minimal, id }, first));
    expect(sent(minimal, second, 'retry-1')).toEqual(sent(minimal, first, 'retry-1'));
  });

  test('the same id for two tenants is fine', () => {
    const verdicts = judgeEvents(
      [
        { ...minimal, id },
        { ...minimal, id, tenant_id: 'beta' },
      ],
      contextWith('*'),
    );
    expect(verdicts.map(({ kind }) => kind)).toEqual(['good', 'good']);
  });
});

describe('bad events', () => {
  test.each<[string, unknown, Credential['tenants'], BadEvent['code'], string]>([
    ['no object', 7, '*', 'invalid_event', ''],
    ['null', null, ['acme'], 'invalid_event', ''],
    ['an array', [minimal], ['acme'], 'invalid_event', ''],
    ['no tenant, key for several', nameless, ['acme', 'beta'], 'tenant_required', '/tenant_id'],
    ['no tenant, key for all', nameless, '*', 'tenant_required', '/tenant_id'],
    ['a tenant that is no string', { ...minimal, tenant_id: 7 }, ['acme'], 'invalid_event', '/tenant_id'],
    ['null as tenant', { ...minimal, tenant_id: null }, ['acme'], 'invalid_event', '/tenant_id'],
    ['another tenant', { ...minimal, tenant_id: 'beta' }, ['acme'], 'tenant_not_allowed', '/tenant_id'],
    ['our own tenant', { ...minimal, tenant_id: 'docket.own' }, '*', 'invalid_event', '/tenant_id'],
    ['our own action', { ...minimal, action: 'docket.log.searched' }, '*', 'invalid_event', '/action'],
    ['an unknown field', { ...minimal, acton: 'x' }, '*', 'invalid_event', '/acton'],
    ['the gateway’s stamp', { ...minimal, ingest: { key_id: 'forged' } }, '*', 'invalid_event', '/ingest'],
    [
      '__proto__',
      JSON.parse(`{"__proto__":{"action":"x"},${JSON.stringify(minimal).slice(1)}`),
      '*',
      'invalid_event',
      '/__proto__',
    ],
    ['an id that is no UUID', { ...minimal, id: 'x' }, '*', 'invalid_event', '/id'],
  ])('%s', (_name, input, tenants, code, pointer) => {
    const verdict = judge(input, tenants);
    expect(verdict).toMatchObject({
      kind: 'bad',
      code,
      errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
  });

  test('an unknown tenant, where tenants are not made by their first event', () => {
    const known = { isKnownTenant: (tenant: string) => tenant === 'acme' };
    expect(judge({ ...minimal, tenant_id: 'beta' }, '*', known)).toMatchObject({
      kind: 'bad',
      code: 'unknown_tenant',
      tenantId: undefined,
    });
    expect(judge(minimal, '*', known).kind).toBe('good');
  });

  test('an id that comes twice in a request', () => {
    const verdicts = judgeEvents([minimal, { ...minimal, id }, { ...minimal, id: id.toUpperCase() }], contextWith('*'));
    expect(verdicts.map(({ kind }) => kind)).toEqual(['good', 'good', 'bad']);
    expect(verdicts[2]).toMatchObject({
      errors: [{ pointer: '/id', detail: 'is the id of event 1 of this request too' }],
    });
  });

  test('an event that only the stamp pushes over 256 KiB: it would be quarantined after a 202', () => {
    const changes = (last: number) => [
      ...Array.from({ length: 31 }, (_, n) => ({ path: `p${n}`, new: 'x'.repeat(8190) })),
      { path: 'last', new: 'x'.repeat(last) },
    ];
    const kindOf = (last: number) => judge({ ...minimal, changes: changes(last) }).kind;
    let [good, bad] = [0, 8190];
    expect([kindOf(good), kindOf(bad)]).toEqual(['good', 'bad']);
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (kindOf(middle) === 'good') good = middle;
      else bad = middle;
    }
    const atLimit = judge({ ...minimal, changes: changes(good) });
    expect(atLimit.kind === 'good' && atLimit.body.length).toBe(256 * 1024);
  });
});

describe('whose quarantine a bad event belongs to', () => {
  test.each<[string, unknown, Credential['tenants'], string | undefined]>([
    ['its own tenant, where the key is good for it', { tenant_id: 'acme' }, ['acme', 'beta'], 'acme'],
    ['its own tenant, key for all', { tenant_id: 'acme' }, '*', 'acme'],
    ['the key’s only tenant', {}, ['acme'], 'acme'],
    ['the key’s only tenant, for what is no object', 7, ['acme'], 'acme'],
    ['I5: the key’s only tenant, never the one it names without leave', { tenant_id: 'beta' }, ['acme'], 'acme'],
    ['I5: nobody’s, when it names one without leave', { tenant_id: 'gamma' }, ['acme', 'beta'], undefined],
    ['nobody’s, when it names none', {}, '*', undefined],
    ['nobody’s, when it names one of ours', { tenant_id: 'docket.own' }, '*', undefined],
    ['nobody’s, when it names no tenant id', { tenant_id: 'a b' }, '*', undefined],
  ])('%s', (_name, input, tenants, tenantId) => {
    expect(judge(input, tenants)).toMatchObject({ kind: 'bad', tenantId });
  });
});
