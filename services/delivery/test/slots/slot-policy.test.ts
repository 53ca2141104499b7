import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createSlots, pools } from '../../src/slots/slot-policy.ts';
import type { Pool, SlotLimits, SlotRequest } from '../../src/slots/slot-policy.ts';

const limits: SlotLimits = {
  perPool: { live: 3, catch_up: 1, unproven: 1, doubtful: 1, failing: 2, slow: 4 },
  perTenant: 2,
  perHost: 2,
  perTenantSlow: 3,
  perHostSlow: 3,
  bytesMax: 1_000_000,
  atOnceBytes: 1_000_000,
  slowAfterMs: 250,
  failuresPerSecond: 1_000,
};
const ask = (id: string, tenantId: string, pool: Pool = 'live', host = 'siem.example'): SlotRequest => ({
  id,
  tenantId,
  host,
  pool,
  costBytes: 1,
  bytesMax: 1,
  leastBytes: 1,
});
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

  test('so much begins in a pool at a time, and the rest of what may begin the next time', () => {
    const slots = createSlots({ ...limits, perPool: { ...limits.perPool, live: 10 }, atOnceBytes: 25 });
    for (const id of ['1', '2', '3', '4', '5']) slots.ask({ ...ask(id, `t${id}`), costBytes: 10 });
    slots.ask({ ...ask('6', 't6', 'catch_up'), costBytes: 10 });
    slots.ask({ ...ask('7', 't7'), costBytes: 100 });
    expect(granted(slots)).toEqual(['1', '2', '3', '6']);
    expect(granted(slots)).toEqual(['4', '5', '7']);
    expect(granted(slots)).toEqual([]);
  });

  test('a tenant takes no more than its share of a pool, and others pass it', () => {
    const slots = createSlots(limits);
    for (const id of ['1', '2', '3']) slots.ask(ask(id, 'big'));
    slots.ask(ask('4', 'small'));
    expect(granted(slots)).toEqual(['1', '4', '2']);
    slots.release('1');
    expect(granted(slots)).toEqual(['3']);
  });

  test('one receiver takes no more than its share of its tenant, and the others of the tenant pass it', () => {
    const slots = createSlots({ ...limits, perTenant: 3, perHost: 1 });
    for (const id of ['1', '2']) slots.ask(ask(id, 'a', 'live', 'one.example'));
    slots.ask(ask('3', 'a', 'live', 'other.example'));
    slots.ask(ask('4', 'b', 'live', 'one.example'));
    expect(granted(slots)).toEqual(['1', '4', '3']);
    slots.release('4');
    expect(granted(slots)).toEqual([]);
    slots.release('1');
    expect(granted(slots)).toEqual(['2']);
  });

  test('the failing, the doubtful, the unproven and the catching up wait for their own kind only', () => {
    const slots = createSlots(limits);
    for (const pool of ['failing', 'doubtful', 'unproven', 'catch_up'] as const)
      for (let index = 0; index < 50; index += 1) slots.ask(ask(`${pool}${index}`, `t${index}`, pool));
    slots.ask(ask('healthy', 'x'));
    expect(granted(slots)).toEqual(['healthy', 'catch_up0', 'unproven0', 'doubtful0', 'failing0', 'failing1']);
  });

  test.each(['unproven', 'doubtful', 'failing'] as const)(
    'so many %s ones fail in a second, however fast they end, and nobody else waits for that',
    (pool) => {
      const slots = createSlots({ ...limits, perPool: { ...limits.perPool, [pool]: 100 }, failuresPerSecond: 20 });
      for (let index = 0; index < 200; index += 1) slots.ask(ask(`f${index}`, `t${index}`, pool));
      let begun = 0;
      for (let nowMs = 0; nowMs <= 5_000; nowMs += 50) {
        slots.ask(ask(`healthy${nowMs}`, 'x'));
        const now = granted(slots, nowMs);
        expect(now[0]).toBe(`healthy${nowMs}`);
        for (const id of now) slots.failed(id);
        for (const id of now) slots.release(id);
        begun += now.length - 1;
      }
      expect(begun).toBe(1 + 5 * 20);
      // A long silence saves up no more than one.
      expect(granted(slots, 1_000_000)).toHaveLength(1);
    },
  );

  test('receivers that turn out to be healthy are proven as fast as they answer', () => {
    const slots = createSlots({ ...limits, failuresPerSecond: 1 });
    for (let index = 0; index < 100; index += 1) slots.ask(ask(`${index}`, `t${index}`, 'unproven'));
    for (let index = 0; index < 100; index += 1) {
      expect(granted(slots)).toEqual([`${index}`]);
      slots.release(`${index}`);
    }
  });

  test('tenants take turns: one with many subscriptions does not hold up one with few', () => {
    const slots = createSlots({ ...limits, perTenant: 100, perHost: 100 });
    for (let index = 0; index < 50; index += 1) slots.ask(ask(`big${index}`, 'big'));
    slots.ask(ask('small', 'small'));
    expect(granted(slots)).toEqual(['big0', 'small', 'big1']);
  });

  test('a request that has become slow makes room for those who wait, whatever number of receivers hangs at once', () => {
    const slots = createSlots(limits);
    for (let index = 0; index < 6; index += 1) slots.ask(ask(`hanging${index}`, `t${index}`));
    slots.ask(ask('healthy', 'x'));
    for (const id of granted(slots)) slots.sent(id, 1_000, 1);
    expect(granted(slots, 1_249)).toEqual([]);
    for (const id of granted(slots, 1_250)) slots.sent(id, 1_300, 1);
    expect(slots.stats()).toMatchObject({ live: { held: 3, waiting: 1 }, slow: { held: 3 } });
    // The fourth is the last that there is room for.
    expect(granted(slots, 2_000)).toEqual(['healthy']);
    slots.sent('healthy', 2_000, 1);
    slots.ask(ask('another', 'y'));
    expect(granted(slots, 3_000)).toEqual([]);
    expect(slots.stats()).toMatchObject({ live: { held: 3, waiting: 1 }, slow: { held: 4 } });
    slots.release('hanging0');
    expect(slots.stats()).toMatchObject({ live: { held: 3 }, slow: { held: 3 } });
    expect(granted(slots, 3_000)).toEqual(['another']);
  });

  test('I8: a tenant has at most half of the bytes that others leave, slow or not, and one request of each always goes', () => {
    const wide = { live: 100, catch_up: 100, unproven: 100, doubtful: 100, failing: 100, slow: 100 };
    const slots = createSlots({ ...limits, perPool: wide, perTenant: 100, perHost: 100, bytesMax: 80 });
    const large = (id: string, tenantId: string): SlotRequest => ({
      ...ask(id, tenantId),
      bytesMax: 10,
      leastBytes: 10,
    });
    for (let index = 0; index < 6; index += 1) slots.ask(large(`big${index}`, 'big'));
    expect(granted(slots)).toEqual(['big0', 'big1', 'big2', 'big3']);
    for (let index = 0; index < 3; index += 1) slots.ask(large(`other${index}`, 'other'));
    expect(granted(slots)).toEqual(['other0', 'other1']);
    // What is sent counts as what it is, however long its receiver takes.
    for (const id of ['big0', 'big1', 'big2', 'big3', 'other0', 'other1']) slots.sent(id, 0, 1);
    expect(granted(slots, 60_000).toSorted()).toEqual(['big4', 'big5', 'other2']);
    slots.sent('big4', 60_000, 100);
    for (const tenant of ['other', 'new']) slots.ask(large(`${tenant}9`, tenant));
    expect(granted(slots, 60_000)).toEqual(['new9']);
    slots.release('big4');
    expect(granted(slots, 60_000)).toEqual(['other9']);
  });

  test('I7: a window for which there is no room is one batch, rather than waiting behind small requests of its own tenant for ever', () => {
    const wide = { live: 100, catch_up: 100, unproven: 100, doubtful: 100, failing: 100, slow: 100 };
    const slots = createSlots({ ...limits, perPool: wide, perTenant: 100, perHost: 100, bytesMax: 20 });
    const window: SlotRequest = { ...ask('window', 'a'), bytesMax: 8, leastBytes: 1 };
    for (let index = 0; index < 3; index += 1) slots.ask(ask(`small${index}`, 'a'));
    slots.ask(window);
    expect(slots.grant(0).map(({ id, isNarrow }) => [id, isNarrow])).toEqual([
      ['small0', false],
      ['small1', false],
      ['small2', false],
      ['window', true],
    ]);
    // It counts as what it was given: six more have room beside it.
    for (let index = 3; index < 13; index += 1) slots.ask(ask(`small${index}`, 'a'));
    expect(slots.grant(0)).toHaveLength(6);
    for (let index = 0; index < 9; index += 1) slots.release(`small${index}`);
    slots.release('window');
    for (let index = 9; index < 13; index += 1) slots.cancel(`small${index}`);
    slots.ask(window);
    expect(slots.grant(0).find(({ id }) => id === 'window')).toMatchObject({ isNarrow: false });
  });

  test('nothing is set apart while nobody waits for it', () => {
    const slots = createSlots(limits);
    slots.ask(ask('1', 'a'));
    for (const id of granted(slots)) slots.sent(id, 0, 1);
    expect(granted(slots, 10_000)).toEqual([]);
    expect(slots.stats()).toMatchObject({ live: { held: 1 }, slow: { held: 0 } });
  });

  test('what has not been sent is not slow, and a tenant has a share of the slow, too', () => {
    const slots = createSlots({ ...limits, perTenant: 3, perHost: 3 });
    for (let index = 0; index < 7; index += 1) slots.ask(ask(`${index}`, 'big'));
    expect(granted(slots)).toEqual(['0', '1', '2']);
    expect(granted(slots, 10_000)).toEqual([]);
    for (let index = 0; index < 3; index += 1) slots.sent(`${index}`, 0, 1);
    const next = granted(slots, 10_000);
    expect(next).toEqual(['3', '4', '5']);
    for (const id of next) slots.sent(id, 10_000, 1);
    expect(granted(slots, 20_000)).toEqual([]);
    expect(slots.stats()).toMatchObject({ live: { held: 3, waiting: 1 }, slow: { held: 3 } });
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
      host: fc.constantFrom('x', 'y'),
      pool: fc.constantFrom<Pool>(...pools),
      costBytes: fc.nat({ max: 300_000 }),
      bytesMax: fc.nat({ max: 1_500_000 }),
      release: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const slots = createSlots(limits);
        const held = new Map<string, SlotRequest>();
        const waiting = new Set<string>();
        for (const { release, ...asked } of actions) {
          const request = { ...asked, leastBytes: asked.bytesMax };
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
          for (const pool of pools) {
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
