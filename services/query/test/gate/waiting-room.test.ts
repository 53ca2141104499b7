import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createQueryMetrics } from '../../src/metrics.ts';
import { createWaitingRoom } from '../../src/gate/waiting-room.ts';

function roomOf(placesMax: number) {
  const metrics = createQueryMetrics(new Registry());
  const room = createWaitingRoom(placesMax, metrics);
  const waiting = async () => (await metrics.waiters.get()).values[0]?.value;
  return { room, waiting };
}

test('I7: one tenant that waits for much leaves places for the others', async () => {
  const { room, waiting } = roomOf(4);
  const leave = room.enter('a');
  expect([room.enter('a'), room.enter('a')].map((place) => place !== undefined)).toEqual([true, false]);
  expect([room.enter('b'), room.enter('b')].map((place) => place !== undefined)).toEqual([true, true]);
  expect(await waiting()).toBe(4);
  leave?.();
  expect(room.enter('a')).toBeDefined();
});

test('I8: no more places than the limit, and a place is free again when it is left', async () => {
  const { room, waiting } = roomOf(3);
  const leaves = ['a', 'b', 'c'].map((tenantId) => room.enter(tenantId));
  expect(room.enter('d')).toBeUndefined();
  for (const leave of leaves) leave?.();
  expect(await waiting()).toBe(0);
  expect(room.enter('d')).toBeDefined();
});

test.each([
  [0, false],
  [1, true],
])('with %i places in all', (placesMax, isFree) => {
  expect(roomOf(placesMax).room.enter('a') !== undefined).toBe(isFree);
});
