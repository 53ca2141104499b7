import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createByteBudget } from '../src/byte-budget.ts';
import type { ByteLease, Taken } from '../src/byte-budget.ts';

function leaseOf(taken: Taken): ByteLease {
  if (!taken.ok) throw new Error(taken.reason);
  return taken.lease;
}

test('I8: takes up to the limit exactly, and again what was given back', () => {
  const budget = createByteBudget(10);
  leaseOf(budget.take('a', 5));
  const lease = leaseOf(budget.take('b', 5));
  expect(budget.take('c', 1)).toEqual({ ok: false, reason: 'all_taken' });
  lease.resize(2);
  expect(budget.usedBytes()).toBe(7);
  leaseOf(budget.take('c', 3));
  expect(budget.take('d', 1)).toEqual({ ok: false, reason: 'all_taken' });
});

test('I7: one owner gets at most half, however much is free', () => {
  const budget = createByteBudget(10);
  const lease = leaseOf(budget.take('a', 5));
  expect(budget.take('a', 1)).toEqual({ ok: false, reason: 'share_taken' });
  leaseOf(budget.take('b', 5)).release();
  lease.release();
  leaseOf(budget.take('a', 5));
});

test('is empty when everything was released, however often and in whatever order', () => {
  const request = fc.record({ owner: fc.constantFrom('a', 'b', 'c'), bytes: fc.nat(100), later: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(request), (requests) => {
      const budget = createByteBudget(500);
      const leases = requests.flatMap(({ owner, bytes, later }) => {
        const taken = budget.take(owner, bytes);
        if (!taken.ok) return [];
        taken.lease.resize(later);
        return [taken.lease];
      });
      for (const lease of leases.toReversed()) lease.release();
      for (const lease of leases) lease.release();
      expect(budget.usedBytes()).toBe(0);
      for (const owner of ['a', 'b']) expect(budget.take(owner, 250).ok).toBe(true);
    }),
  );
});
