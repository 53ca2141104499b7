import { describe, expect, test } from '@jest/globals';
import type { PublishOutcome } from '@docket/kafka';
import { DocketError } from '@docket/runtime';

import type { BadEvent, GoodEvent, Verdict } from '../src/judging/event-verdict-policy.ts';
import { failureOf, limitRefusalOf, refusalOf, resultsOf } from '../src/ingest-answer-mapper.ts';

const good: GoodEvent = { kind: 'good', id: 'g', tenantId: 'acme', body: Buffer.alloc(0) };
const bad = (code: BadEvent['code'] = 'invalid_event', errors = 1): BadEvent => ({
  kind: 'bad',
  id: 'b',
  code,
  errors: Array.from({ length: errors }, (_, n) => ({ pointer: `/f${n}`, detail: 'is wrong' })),
  tenantId: 'acme',
  input: {},
});
const batch = { isSingle: false };
const single = { isSingle: true };

describe('limitRefusalOf', () => {
  const over = { ok: false, retryAfterSeconds: 7, headers: { RateLimit: '"tenant";r=0;t=9' } } as const;

  test('names the first event of each tenant that is over its quota, and when to come back', () => {
    const events = ['a', 'b', 'a', 'c'].map((tenantId) => ({ tenantId }));
    expect(limitRefusalOf({ ...over, by: 'tenant', tenants: ['b', 'c'] }, { ...batch, events })).toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 7,
      headers: over.headers,
      errors: [{ pointer: '/events/1/tenant_id' }, { pointer: '/events/3/tenant_id' }],
    });
  });

  test('of a key names none', () => {
    expect(limitRefusalOf({ ...over, by: 'key', tenants: [] }, { ...single, events: [] }).errors).toBeUndefined();
  });
});

describe('refusalOf', () => {
  test('nothing is refused when all are good', () => {
    expect(refusalOf([good, good], batch)).toBeUndefined();
  });

  test('names each event and field', () => {
    expect(refusalOf([good, bad('invalid_event', 2), bad()], batch)).toMatchObject({
      code: 'invalid_event',
      message: '2 of 3 events cannot be accepted; nothing was published.',
      errors: [
        { pointer: '/events/1/f0', detail: 'is wrong' },
        { pointer: '/events/1/f1', detail: 'is wrong' },
        { pointer: '/events/2/f0', detail: 'is wrong' },
      ],
    });
    expect(refusalOf([bad()], single)?.errors).toEqual([{ pointer: '/f0', detail: 'is wrong' }]);
  });

  test('names at most 100 errors and counts the rest', () => {
    const refusal = refusalOf(
      Array.from({ length: 30 }, () => bad('invalid_event', 5)),
      batch,
    );
    expect(refusal?.errors).toHaveLength(100);
    expect(refusal?.extensions).toEqual({ errors_omitted: 50 });
  });

  test.each<[BadEvent['code'][], string]>([
    [['unknown_tenant', 'unknown_tenant'], 'unknown_tenant'],
    [['unknown_tenant', 'invalid_event'], 'invalid_event'],
    [['invalid_event', 'tenant_required'], 'tenant_required'],
    [['tenant_required', 'tenant_not_allowed', 'invalid_event'], 'tenant_not_allowed'],
  ])('%j answers %s', (codes, expected) => {
    expect(
      refusalOf(
        codes.map((code) => bad(code)),
        batch,
      )?.code,
    ).toBe(expected);
  });
});

describe('failureOf', () => {
  const ok: PublishOutcome = { ok: true, partition: 0, offset: 1 };
  const failed = (
    reason: 'overloaded' | 'unavailable' | 'rejected',
    error: Error = new Error('x'),
  ): PublishOutcome => ({ ok: false, reason, error });
  const verdicts: Verdict[] = [good, { ...good, id: 'h' }];

  test.each<[string, PublishOutcome[], string | undefined]>([
    ['all acknowledged', [ok, ok], undefined],
    ['one not acknowledged', [ok, failed('unavailable')], 'kafka_unavailable'],
    ['none acknowledged', [failed('unavailable'), failed('unavailable')], 'kafka_unavailable'],
    ['the queue is full', [failed('overloaded'), failed('overloaded')], 'overloaded'],
    ['some acknowledged, some not taken', [ok, failed('overloaded')], 'kafka_unavailable'],
    ['never to be taken', [failed('rejected'), failed('rejected')], 'internal'],
    [
      'the publisher is stopping',
      [failed('rejected', new DocketError('not_ready', 'stopped')), failed('rejected')],
      'not_ready',
    ],
    ['not taken, and not acknowledged', [failed('rejected'), failed('unavailable')], 'kafka_unavailable'],
  ])('I1: %s', (_name, outcomes, code) => {
    expect(failureOf(outcomes, verdicts)?.code).toBe(code);
  });

  test('I1: names the ids used, so that the sender can repeat them, exactly where some of them may be in the log', () => {
    const idsOf = (...outcomes: PublishOutcome[]): unknown => failureOf(outcomes, verdicts)?.extensions?.ids;
    expect(idsOf(ok, failed('unavailable'))).toEqual(['g', 'h']);
    expect(idsOf(failed('unavailable'), failed('unavailable'))).toEqual(['g', 'h']);
    expect(idsOf(ok, failed('overloaded'))).toEqual(['g', 'h']);
    expect(idsOf(failed('rejected'), failed('rejected'))).toEqual(['g', 'h']);
    expect(idsOf(failed('overloaded'), failed('overloaded'))).toBeUndefined();
  });
});

test('results are in the order of the request, with at most 5 errors each', () => {
  expect(resultsOf([good, bad('invalid_event', 9)])).toEqual([
    { id: 'g', status: 'published' },
    { id: 'b', status: 'quarantined', errors: bad('invalid_event', 5).errors },
  ]);
});
