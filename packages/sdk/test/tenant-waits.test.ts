import { describe, expect, test } from '@jest/globals';
import { createTenantWaits } from '../src/tenant-waits.ts';

describe('tenants that wait', () => {
  test('may go from the time on until which they wait, whoever has not had to wait for longest first', () => {
    const waits = createTenantWaits();
    waits.wait('a', 200);
    waits.wait('b', 100);
    expect(['a', 'b', 'c'].map((id) => waits.isWaiting(id, 100))).toEqual([true, false, false]);
    expect(waits.next(['a', 'b'], 99)).toBeUndefined();
    expect(waits.next(['a', 'b'], 100)).toBe('b');
    expect(waits.next(['a', 'b'], 200)).toBe('b');
    waits.taken('b', 210);
    expect(waits.next(['a', 'b'], 210)).toBe('a');
  });

  test('one of whom nothing is known goes at once: an earlier process has held it back', () => {
    expect(createTenantWaits().next(['a'], 1)).toBe('a');
  });

  test('the shortest wait is of those asked about; of nobody there is none', () => {
    const waits = createTenantWaits();
    waits.wait('a', 200);
    waits.wait('b', 150);
    expect(waits.shortestMs(['a', 'b'], 100)).toBe(50);
    expect(waits.shortestMs(['a', 'b'], 160)).toBe(0);
    expect(waits.shortestMs([], 100)).toBeUndefined();
  });

  test('refusals in a row are counted, until something is taken', () => {
    const waits = createTenantWaits();
    expect([waits.refused('a'), waits.refused('a'), waits.refused('b')]).toEqual([1, 2, 1]);
    waits.taken('a', 0);
    expect(waits.refused('a')).toBe(1);
    waits.forget('a');
    waits.forget('b');
    expect(waits.isIdle()).toBe(true);
  });
});
