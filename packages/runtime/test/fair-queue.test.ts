import { describe, expect, test } from '@jest/globals';

import { createFairQueue } from '../src/fair-queue.ts';

function takeAll(queue: { take(): string | undefined }): string[] {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

describe('the fair queue', () => {
  test('I7: owners come in turn, whoever has pushed how many', () => {
    const queue = createFairQueue<string>();
    for (const item of ['a1', 'a2', 'a3', 'a4']) queue.push('a', item);
    for (const item of ['b1', 'b2']) queue.push('b', item);
    queue.push('c', 'c1');
    expect(takeAll(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
    expect(queue.take()).toBeUndefined();
  });

  test('who comes back waits behind those who were there', () => {
    const queue = createFairQueue<string>();
    queue.push('a', 'a1');
    queue.push('b', 'b1');
    expect(queue.take()).toBe('a1');
    queue.push('a', 'a2');
    expect(takeAll(queue)).toEqual(['b1', 'a2']);
  });

  test('what is withdrawn does not come, and the others keep their place', () => {
    const queue = createFairQueue<string>();
    for (const item of ['a1', 'a2']) queue.push('a', item);
    queue.push('b', 'b1');
    queue.withdraw('a', 'a1');
    queue.withdraw('b', 'b1');
    queue.withdraw('c', 'c1');
    expect(takeAll(queue)).toEqual(['a2']);
  });
});
