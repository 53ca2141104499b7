import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createByteBudget } from '../src/byte-budget.ts';

test('takes up to the limit exactly, and again what was given back', () => {
  const budget = createByteBudget(10);
  const first = budget.take(10);
  expect(budget.take(1)).toBeUndefined();
  first?.resize(4);
  expect(budget.usedBytes()).toBe(4);
  expect(budget.take(6)).toBeDefined();
  expect(budget.take(1)).toBeUndefined();
});

test('is empty when everything was released, however often and in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100), fc.nat(100))), (sizes) => {
      const budget = createByteBudget(500);
      const leases = sizes.map(([bytes, later]) => {
        const lease = budget.take(bytes);
        lease?.resize(later);
        return lease;
      });
      for (const lease of leases.toReversed()) lease?.release();
      for (const lease of leases) lease?.release();
      expect(budget.usedBytes()).toBe(0);
    }),
  );
});
