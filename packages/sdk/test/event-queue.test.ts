import { expect, test } from '@jest/globals';
import { createEventQueue } from '../src/event-queue.ts';

const entry = (id: string, bytes = 10) => ({ id, text: '{}', bytes });

test('I8: takes events up to each limit and not beyond', () => {
  const queue = createEventQueue({ eventsMax: 3, bytesMax: 25 });
  expect([queue.push(entry('a')), queue.push(entry('b')), queue.push(entry('c', 6))]).toEqual([true, true, false]);
  expect(queue.push(entry('d', 5))).toBe(true);
  expect(queue.push(entry('e', 0))).toBe(false);
  expect(queue.size()).toEqual({ events: 3, bytes: 25 });
});

test('peek gives the oldest within both limits, at least one, and takes nothing out', () => {
  const queue = createEventQueue({ eventsMax: 10, bytesMax: 1000 });
  for (const id of ['a', 'b', 'c']) queue.push(entry(id));
  expect(queue.peek(2, 100).map(({ id }) => id)).toEqual(['a', 'b']);
  expect(queue.peek(9, 20).map(({ id }) => id)).toEqual(['a', 'b']);
  expect(queue.peek(9, 1).map(({ id }) => id)).toEqual(['a']);
  expect(queue.size()).toEqual({ events: 3, bytes: 30 });
});

test('keeps order and counts through many pushes and drops', () => {
  const queue = createEventQueue({ eventsMax: 50, bytesMax: 1_000_000 });
  const seen: string[] = [];
  let next = 0;
  for (let round = 0; round < 200; round += 1) {
    while (queue.push(entry(String(next)))) next += 1;
    const batch = queue.peek((round % 7) + 1, 1000);
    seen.push(...batch.map(({ id }) => id));
    queue.drop(batch.length);
  }
  expect(seen).toEqual(seen.map((_, i) => String(i)));
  expect(queue.size().events).toBe(next - seen.length);
});
