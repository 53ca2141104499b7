import { expect, test } from '@jest/globals';

import { createBatchStore } from '../../src/batches/batch-store.ts';
import type { HeldBatch } from '../../src/batches/batch-store.ts';
import { noneSkipped } from '../../src/batches/skipped-counts.ts';

const one = (bytes: number, toSeq = 1): HeldBatch => ({
  place: {
    toSeq,
    eventCount: 1,
    eventSeqs: [toSeq],
    skipped: noneSkipped,
    bodyBytes: 10,
    eventSeq: toSeq,
    offset: -1,
    mayHaveMore: false,
    isLast: false,
  },
  batch: {
    webhookId: 'm',
    fromSeq: 1,
    toSeq,
    eventSeq: toSeq,
    eventCount: 1,
    eventSeqs: [toSeq],
    skipped: noneSkipped,
    oldestReceivedAtMs: 0,
    isFull: false,
    body: Buffer.alloc(bytes),
  },
});

const held = (bytes: number, toSeq?: number): readonly HeldBatch[] => [one(bytes, toSeq)];

test('I8: the longest-waiting batches make room; what is under way is never dropped', () => {
  const store = createBatchStore(100);
  store.put('a', held(40));
  store.put('b', held(40));
  store.setUnderWay('b', false);
  store.setUnderWay('a', false);
  store.put('c', held(40));
  expect([store.get('a') !== undefined, store.get('b'), store.get('c') !== undefined]).toEqual([true, undefined, true]);
  store.put('d', held(500));
  expect([store.get('a'), store.get('c') !== undefined, store.get('d') !== undefined]).toEqual([undefined, true, true]);
  expect(store.bytes()).toBe(540);
  store.setUnderWay('d', false);
  expect(store.get('d')).toBeUndefined();
  store.delete('c');
  store.delete('c');
  expect(store.bytes()).toBe(0);
});

test('a batch that is put again takes the place of the one before', () => {
  const store = createBatchStore(100);
  store.put('a', held(10, 1));
  store.put('a', held(20, 2));
  expect(store.get('a')?.[0]?.place.toSeq).toBe(2);
  expect(store.bytes()).toBe(20);
});

test('a window is held as a whole', () => {
  const store = createBatchStore(100);
  store.put('a', [one(10, 1), one(20, 2)]);
  expect(store.bytes()).toBe(30);
  store.put('a', [one(20, 2)]);
  expect(store.bytes()).toBe(20);
});
