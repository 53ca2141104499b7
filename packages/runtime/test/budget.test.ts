import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createBudget } from '../src/budget.ts';
import type { Lease, Taken } from '../src/budget.ts';

function leaseOf(taken: Taken): Lease {
  if (!taken.ok) throw new Error(taken.reason);
  return taken.lease;
}

test('I8: takes up to the limit exactly, and again what was given back', () => {
  const budget = createBudget(10, 5);
  leaseOf(budget.take(['a'], 5));
  const lease = leaseOf(budget.take(['b'], 5));
  expect(budget.take(['c'], 1)).toEqual({ ok: false, reason: 'all_taken' });
  lease.resize(2);
  expect(budget.used()).toBe(7);
  leaseOf(budget.take(['c'], 3));
  expect(budget.take(['d'], 1)).toEqual({ ok: false, reason: 'all_taken' });
});

test('I7: one owner gets at most half of what the others leave, so that no two, nor ten, can have all', () => {
  const budget = createBudget(1_024);
  let left = 1_024;
  for (let owner = 0; owner < 10; owner += 1) {
    left /= 2;
    leaseOf(budget.take([`${owner}`], left));
    expect(budget.take([`${owner}`], 1)).toEqual({ ok: false, reason: 'share_taken' });
  }
  expect(budget.used()).toBe(1_023);
  expect(budget.used('0')).toBe(512);
});

test('I7: an owner may have the least that a request needs, however small the shares are, while there is room', () => {
  const budget = createBudget(10, 2);
  leaseOf(budget.take(['a'], 5));
  leaseOf(budget.take(['b'], 2));
  const lease = leaseOf(budget.take(['c'], 1));
  expect(budget.take(['c'], 2)).toEqual({ ok: false, reason: 'share_taken' });
  expect(lease.grow(1)).toBeUndefined();
  leaseOf(budget.take(['d'], 1));
  expect(budget.take(['e'], 1)).toEqual({ ok: false, reason: 'all_taken' });
});

test('what goes anyhow counts, beyond the limits, too', () => {
  const budget = createBudget(10);
  const lease = budget.hold(['a'], 12);
  expect(budget.used()).toBe(12);
  expect(budget.refusalOf(['b'], 1)).toBe('all_taken');
  lease.release();
  expect(budget.refusalOf(['b'], 5)).toBeUndefined();
});

test('I7: of what several own, each has to have room for all', () => {
  const budget = createBudget(12);
  leaseOf(budget.take(['tenant a', 'key of all'], 4));
  leaseOf(budget.take(['tenant b', 'key of all'], 2));
  expect(budget.take(['tenant c', 'key of all'], 1)).toEqual({ ok: false, reason: 'share_taken' });
  expect(budget.take(['tenant a', 'its own key'], 2)).toEqual({ ok: false, reason: 'share_taken' });
  leaseOf(budget.take(['tenant a', 'its own key'], 1));
});

test('grows within the limits, leaving spare what it is told to, and keeps what it has when it may not', () => {
  const budget = createBudget(20);
  const lease = leaseOf(budget.take(['a'], 2));
  expect(lease.grow(3, 0.5)).toBeUndefined();
  expect(lease.grow(1, 0.5)).toBe('share_taken');
  expect(lease.grow(5)).toBeUndefined();
  expect(lease.grow(1)).toBe('share_taken');
  const other = leaseOf(budget.take(['b'], 0));
  expect(other.grow(11)).toBe('all_taken');
  expect(other.grow(2, 0.5)).toBeUndefined();
  expect(budget.used()).toBe(12);
});

test('is empty when everything was released, however often and in whatever order', () => {
  const request = fc.record({ owner: fc.constantFrom('a', 'b', 'c'), bytes: fc.nat(100), later: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(request), (requests) => {
      const budget = createBudget(500);
      const leases = requests.flatMap(({ owner, bytes, later }) => {
        const taken = budget.take([owner], bytes);
        if (!taken.ok) return [];
        taken.lease.resize(later);
        return [taken.lease];
      });
      for (const lease of leases.toReversed()) lease.release();
      for (const lease of leases) lease.release();
      expect(budget.used()).toBe(0);
      expect(budget.take(['a'], 250).ok).toBe(true);
    }),
  );
});
