import type { Cursors } from '../src/cursors/kafka-cursors.ts';

/** Nothing is kept, of no subscription. */
export const noCursors: Cursors = {
  start: () => undefined,
  stop: async () => undefined,
  isCaughtUp: () => true,
  waitUntilCaughtUp: async () => undefined,
  refresh: async () => undefined,
  get: () => undefined,
  unreadable: () => undefined,
  unreadableCount: () => 0,
  save: () => undefined,
  parkedOf: () => [],
  keepParked: () => undefined,
  forgetParked: () => undefined,
  parkedCount: () => 0,
  homes: () => new Map(),
  forget: () => undefined,
};
