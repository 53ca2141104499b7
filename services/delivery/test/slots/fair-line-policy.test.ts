import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createFairLine, quantumBytes } from '../../src/slots/fair-line-policy.ts';
import type { FairLine, Waiting } from '../../src/slots/fair-line-policy.ts';

const always = (): boolean => true;
const waiting = (id: string, tenantId: string, costBytes = 1): Waiting => ({ id, tenantId, costBytes });

function takeAll(line: FairLine<Waiting>): string[] {
  const ids: string[] = [];
  for (let one = line.take(always); one !== undefined; one = line.take(always)) ids.push(one.id);
  return ids;
}

/** As many requests as there are bytes for, each of which is followed by another of its kind. */
function takenBytes(line: FairLine<Waiting>, requests: number): Map<string, number> {
  const bytes = new Map<string, number>();
  for (let count = 0; count < requests; count += 1) {
    const one = line.take(always);
    if (one === undefined) break;
    bytes.set(one.id, (bytes.get(one.id) ?? 0) + one.costBytes);
    line.put(one);
  }
  return bytes;
}

describe('I7: the line of those who wait', () => {
  test('tenants take turns, and inside a tenant its subscriptions', () => {
    const line = createFairLine();
    for (const id of ['a1', 'a2', 'a3']) line.put(waiting(id, 'a'));
    for (const id of ['b1', 'c1', 'c2']) line.put(waiting(id, id.slice(0, 1)));
    expect(takeAll(line)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
    expect(line.size()).toBe(0);
  });

  test('whoever sends large batches waits for as many turns as they are worth', () => {
    const line = createFairLine();
    line.put(waiting('large', 'a', 3 * quantumBytes));
    line.put(waiting('small', 'b', quantumBytes));
    const order: string[] = [];
    for (let count = 0; count < 8; count += 1) {
      const one = line.take(always);
      if (one === undefined) break;
      order.push(one.id);
      line.put(one);
    }
    expect(order).toEqual(['small', 'small', 'large', 'small', 'small', 'small', 'large', 'small']);
  });

  test('tenants and subscriptions with batches of any size get as many bytes as each other, give or take a batch', () => {
    const sizes = fc.array(fc.integer({ min: quantumBytes, max: 10 * quantumBytes }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(sizes, fc.boolean(), (costs, isOneTenant) => {
        const line = createFairLine();
        costs.forEach((cost, index) => line.put(waiting(`${index}`, isOneTenant ? 'a' : `t${index}`, cost)));
        const bytes = [...takenBytes(line, 600).values()];
        expect(bytes).toHaveLength(costs.length);
        expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThanOrEqual(3 * Math.max(...costs));
      }),
    );
  });

  test('a batch of many turns begins at once when nobody else waits', () => {
    const line = createFairLine();
    line.put(waiting('huge', 'a', 1000 * quantumBytes));
    expect(line.take(always)?.id).toBe('huge');
  });

  test('those who may not begin keep their places, and hold up nobody', () => {
    const line = createFairLine();
    for (const id of ['a1', 'b1', 'c1']) line.put(waiting(id, id.slice(0, 1)));
    expect(line.take(({ id }) => id === 'c1')?.id).toBe('c1');
    expect(line.take(() => false)).toBeUndefined();
    expect(takeAll(line)).toEqual(['a1', 'b1']);
  });

  test('whoever asks again counts once, with what was asked last; whoever leaves is not taken', () => {
    const line = createFairLine();
    line.put(waiting('a1', 'a'));
    line.put(waiting('b1', 'b'));
    line.put(waiting('a1', 'a', 7));
    line.remove('b1');
    line.remove('nobody');
    expect(line.size()).toBe(1);
    expect(line.take(always)).toEqual(waiting('a1', 'a', 7));
    expect(line.take(always)).toBeUndefined();
  });
});
