import { describe, expect, test } from '@jest/globals';

import { createRateLimits, trackedMax } from '../src/rate-limits.ts';

const of = (counts: Record<string, number>): Map<string, number> => new Map(Object.entries(counts));

describe('rate limits', () => {
  test('I7: one tenant’s quota is its own, one key’s too', () => {
    const limits = createRateLimits({ key: 100, tenant: 10 });
    expect(limits.take('k1', 100, of({ acme: 100 }), 0)).toMatchObject({ ok: true });
    expect(limits.take('k2', 1, of({ acme: 1 }), 0)).toMatchObject({ ok: false, by: 'tenant', tenants: ['acme'] });
    expect(limits.take('k1', 1, of({ beta: 1 }), 0)).toMatchObject({ ok: true });
    expect(limits.take('k1', 900, of({}), 0)).toMatchObject({ ok: false, by: 'key', tenants: [] });
    expect(limits.take('k2', 900, of({}), 0)).toMatchObject({ ok: true });
  });

  test('a request over one quota takes nothing from the others', () => {
    const limits = createRateLimits({ key: 1_000, tenant: 10 });
    limits.take('k', 0, of({ full: 100 }), 0);
    const refused = limits.take('k', 60, of({ acme: 30, full: 30 }), 0);
    expect(refused).toMatchObject({ ok: false, tenants: ['full'], retryAfterSeconds: 3 });
    expect(limits.take('k', 100, of({ acme: 100 }), 0)).toMatchObject({ ok: true });
    expect(limits.take('k', 60, of({ full: 30 }), 3_000)).toMatchObject({ ok: true });
  });

  test('every request costs its key one event, before it is read', () => {
    const limits = createRateLimits({ key: 1, tenant: 0 });
    for (let n = 0; n < 10; n += 1) expect(limits.begin('k', 0).ok).toBe(true);
    expect(limits.begin('k', 0)).toMatchObject({ ok: false, by: 'key', retryAfterSeconds: 1 });
    expect(limits.begin('other', 0).ok).toBe(true);
  });

  test('a batch larger than its key’s quota passes when the quota is whole, after the time that a refusal names, and is paid for', () => {
    const limits = createRateLimits({ key: 20, tenant: 0 });
    const send = (events: number, nowMs: number) => {
      const begun = limits.begin('k', nowMs);
      return begun.ok ? limits.take('k', events - 1, of({}), nowMs) : begun;
    };
    expect(send(500, 0)).toMatchObject({ ok: true });
    expect(send(1, 1_000)).toMatchObject({ ok: false });
    expect(send(1, 15_100)).toMatchObject({ ok: true });
    const refused = send(500, 15_200);
    if (refused.ok) throw new Error('it passed');
    expect(refused.retryAfterSeconds).toBe(10);
    expect(send(500, 15_200 + 10_000)).toMatchObject({ ok: true });
  });

  test('0 sets no limit and tells none', () => {
    const limits = createRateLimits({ key: 0, tenant: 0 });
    expect(limits.begin('k', 0)).toEqual({ ok: true, headers: {} });
    expect(limits.take('k', 1e9, of({ acme: 1e9 }), 0)).toEqual({ ok: true, headers: {} });
    expect(limits.tenantsTracked()).toBe(0);
  });

  test('I8: tracks a bounded number of tenants; the least recently seen begins anew', () => {
    const limits = createRateLimits({ key: 0, tenant: 1 });
    limits.take('k', 0, of({ first: 10 }), 0);
    expect(limits.take('k', 0, of({ first: 1 }), 0).ok).toBe(false);
    for (let n = 0; n < trackedMax + 10; n += 1) limits.take('k', 0, of({ [`t${n}`]: 1 }), 0);
    expect(limits.tenantsTracked()).toBe(trackedMax);
    expect(limits.take('k', 0, of({ first: 1 }), 0).ok).toBe(true);
  });
});
