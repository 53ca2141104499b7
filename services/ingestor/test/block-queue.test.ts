import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rowOfRecord } from '@docket/event';
import { createBlockQueue, monthOf, type PendingBlock, type PendingRow } from '../src/block-queue.ts';

const november = Date.UTC(2026, 10, 30, 23, 59, 59, 999);
const december = november + 1;

function pendingAt(receivedAtMs: number, offset: number, valueBytes = 0): PendingRow {
  const place = {
    log: 'acme',
    seq: offset + 1,
    status: 'quarantined',
    statusDetail: '',
    schemaId: 0,
    generation: 1,
    partition: 0,
  } as const;
  const value = Buffer.alloc(valueBytes);
  return {
    row: rowOfRecord({ ...place, receivedAtMs, offset }, '', null),
    record: { partition: 0, offset, timestampMs: receivedAtMs, key: null, value, headers: {} },
    rerouteTo: null,
  };
}

const offsetsOf = (block: PendingBlock | undefined): number[] => (block?.rows ?? []).map(({ row }) => row.src_offset);
const limits = { rowsMax: 3, bytesMax: 10_000, ageMsMax: 250 };

describe('the block queue', () => {
  test('a block leaves when it is old enough, not before', () => {
    const queue = createBlockQueue(limits);
    queue.add(pendingAt(november, 0), 1000);
    expect([queue.take(1249), queue.dueInMs(1249)]).toEqual([undefined, 1]);
    expect(offsetsOf(queue.take(1250))).toEqual([0]);
    expect([queue.dueInMs(1250), queue.bytes()]).toEqual([undefined, 0]);
  });

  test('a block leaves at once when it has its rows or its bytes', () => {
    const queue = createBlockQueue(limits);
    [0, 1, 2, 3].forEach((offset) => queue.add(pendingAt(november, offset), 0));
    expect(offsetsOf(queue.take(0))).toEqual([0, 1, 2]);
    expect(queue.take(0)).toBeUndefined();
    queue.add(pendingAt(november, 4, 10_000), 0);
    expect(offsetsOf(queue.take(0))).toEqual([3, 4]);
  });

  test('I4: a block never spans two months, in either direction', () => {
    const queue = createBlockQueue(limits);
    [november, december, december, november].forEach((at, offset) => queue.add(pendingAt(at, offset), 0));
    expect([queue.take(0), queue.take(0), queue.take(250)].map(offsetsOf)).toEqual([[0], [1, 2], [3]]);
  });

  test('rows leave in the order in which they came, none twice, whatever the limits', () => {
    const times = fc.array(fc.constantFrom(november, december), { maxLength: 40 });
    fc.assert(
      fc.property(
        times,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 2000 }),
        (receivedAt, rowsMax, bytesMax) => {
          const queue = createBlockQueue({ rowsMax, bytesMax, ageMsMax: 10 });
          receivedAt.forEach((at, offset) => queue.add(pendingAt(at, offset, 100), 0));
          const taken: PendingBlock[] = [];
          for (let block = queue.take(10); block !== undefined; block = queue.take(10)) taken.push(block);
          expect(taken.flatMap(offsetsOf)).toEqual(receivedAt.map((_, offset) => offset));
          for (const block of taken) {
            expect(new Set(block.rows.map(({ row }) => monthOf(row.received_at))).size).toBe(1);
            expect(block.rows.length).toBeLessThanOrEqual(rowsMax);
          }
          expect(queue.bytes()).toBe(0);
        },
      ),
    );
  });
});
