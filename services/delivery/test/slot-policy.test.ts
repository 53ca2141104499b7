import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createSlots } from '../src/slot-policy.ts';
import type { Pool, SlotRequest } from '../src/slot-policy.ts';

const limits = {
  perPool: { live: 3, catch_up: 1, failing: 2, slow: 4 },
  perTenant: 2,
  perTenantSlow: 3,
  slowAfterMs: 250,
  failingPerSecond: 1_000,
};
const ask = (id: string, tenantId: string, pool: Pool = 'live'): SlotRequest => ({ id, tenantId, pool });
const granted = (slots: ReturnType<typeof createSlots>, nowMs = 0): string[] => slots.grant(nowMs).map(({ id }) => id);

describe('I7: slots', () => {
  test('first come, first served; a released slot goes to the next', () => {
    const slots = createSlots(limits);
    for (const id of ['1', '2', '3', '4', '5']) slots.ask(ask(id, `t${id}`));
    expect(granted(slots)).toEqual(['1', '2', '3']);
    expect(granted(slots)).toEqual([]);
    slots.release('2');
    expect(granted(slots)).toEqual(['4']);
    slots.release('nobody');
    expect(slots.stats().live).toEqual({ held: 3, waiting: 1 });
  });

  test('a tenant takes no more than its share of a pool, and others pass it', () => {
    const slots = createSlots(limits);
    for (const id of ['1', '2', '3']) slots.ask(ask(id, 'big'));
    slots.ask(ask('4', 'small'));
    expect(granted(slots)).toEqual(['1', '4', '2']);
    slots.release('1');
    expect(granted(slots)).toEqual(['3']);
  });

  test('the failing and the catching up wait for their own kind only', () => {
    const slots = createSlots(limits);
    for (let index = 0; index < 50; index += 1) slots.ask(ask(`f${index}`, `t${index}`, 'failing'));
    for (let index = 0; index < 50; index += 1) slots.ask(ask(`c${index}`, `t${index}`, 'catch_up'));
    slots.ask(ask('healthy', 'x'));
    expect(granted(slots)).toEqual(['healthy', 'c0', 'f0', 'f1']);
  });

  test('so many failing ones begin in a second, however fast they end, and nobody else waits for that', () => {
    const slots = createSlots({ ...limits, perPool: { ...limits.perPool, failing: 100 }, failingPerSecond: 20 });
    for (let index = 0; index < 200; index += 1) slots.ask(ask(`f${index}`, `t${index}`, 'failing'));
    let begun = 0;
    for (let nowMs = 0; nowMs <= 5_000; nowMs += 50) {
      slots.ask(ask(`healthy${nowMs}`, 'x'));
      const now = granted(slots, nowMs);
      expect(now[0]).toBe(`healthy${nowMs}`);
      for (const id of now) slots.release(id);
      begun += now.length - 1;
    }
    // Half a second's worth at once, and then 20 a second.
    expect(begun).toBe(10 + 5 * 20);
    // A long silence saves up no more than that.
    expect(granted(slots, 1_000_000)).toHaveLength(10);
  });

  test('tenants take turns: one with many subscriptions does not hold up one with few', () => {
    const slots = createSlots({ ...limits, perTenant: 100 });
    for (let index = 0; index < 50; index += 1) slots.ask(ask(`big${index}`, 'big'));
    slots.ask(ask('small', 'small'));
    expect(granted(slots)).toEqual(['big0', 'small', 'big1']);
  });

  test('a request that has become slow makes room in its pool, whatever number of receivers hangs at once', () => {
    const slots = createSlots(limits);
    for (let index = 0; index < 6; index += 1) slots.ask(ask(`hanging${index}`, `t${index}`));
    slots.ask(ask('healthy', 'x'));
    for (const id of granted(slots)) slots.sent(id, 1_000);
    expect(slots.setSlowApart(1_249)).toBe(false);
    expect(slots.setSlowApart(1_250)).toBe(true);
    for (const id of granted(slots)) slots.sent(id, 1_300);
    expect(slots.stats()).toMatchObject({ live: { held: 3, waiting: 1 }, slow: { held: 3 } });
    // The fourth is the last that there is room for.
    expect(slots.setSlowApart(2_000)).toBe(true);
    expect(granted(slots)).toEqual(['healthy']);
    slots.sent('healthy', 2_000);
    expect(slots.setSlowApart(3_000)).toBe(false);
    expect(slots.stats()).toMatchObject({ live: { held: 3 }, slow: { held: 4 } });
    slots.release('hanging0');
    expect(slots.stats()).toMatchObject({ live: { held: 3 }, slow: { held: 3 } });
  });

  test('what has not been sent is not slow, and a tenant has a share of the slow, too', () => {
    const slots = createSlots({ ...limits, perTenant: 4 });
    for (let index = 0; index < 3; index += 1) slots.ask(ask(`${index}`, 'big'));
    granted(slots);
    expect(slots.setSlowApart(10_000)).toBe(false);
    for (let index = 0; index < 3; index += 1) slots.sent(`${index}`, 0);
    expect(slots.setSlowApart(10_000)).toBe(true);
    slots.ask(ask('3', 'big'));
    expect(granted(slots)).toEqual(['3']);
    slots.sent('3', 10_000);
    expect(slots.setSlowApart(20_000)).toBe(false);
  });

  test('one subscription holds one slot, also when it asks again before it has released', () => {
    const slots = createSlots(limits);
    slots.ask(ask('1', 'a'));
    expect(granted(slots)).toEqual(['1']);
    slots.ask(ask('1', 'a'));
    expect(granted(slots)).toEqual([]);
    slots.release('1');
    expect(granted(slots)).toEqual(['1']);
    slots.ask(ask('2', 'a'));
    slots.cancel('2');
    expect(granted(slots)).toEqual([]);
  });

  test('no limit is ever exceeded, and nobody who asks is forgotten', () => {
    const action = fc.record({
      id: fc.nat({ max: 12 }).map(String),
      tenantId: fc.constantFrom('a', 'b', 'c'),
      pool: fc.constantFrom<Pool>('live', 'catch_up', 'failing'),
      release: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const slots = createSlots(limits);
        const held = new Map<string, SlotRequest>();
        const waiting = new Set<string>();
        for (const { release, ...request } of actions) {
          if (release) {
            held.delete(request.id);
            slots.release(request.id);
          } else {
            waiting.add(request.id);
            slots.ask(request);
          }
          for (const one of slots.grant(0)) {
            expect(held.has(one.id)).toBe(false);
            held.set(one.id, one);
            waiting.delete(one.id);
          }
          for (const pool of ['live', 'catch_up', 'failing'] as const) {
            const inPool = [...held.values()].filter((one) => one.pool === pool);
            expect(inPool.length).toBeLessThanOrEqual(limits.perPool[pool]);
            for (const tenantId of ['a', 'b', 'c']) {
              expect(inPool.filter((one) => one.tenantId === tenantId).length).toBeLessThanOrEqual(limits.perTenant);
            }
          }
        }
        for (let round = 0; round < 30; round += 1) {
          for (const id of held.keys()) slots.release(id);
          held.clear();
          for (const one of slots.grant(0)) {
            held.set(one.id, one);
            waiting.delete(one.id);
          }
        }
        expect([...waiting]).toEqual([]);
      }),
    );
  });
});
