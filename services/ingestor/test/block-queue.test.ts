import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rowOfRecord, type EventRows, type LogRecord } from '@docket/event';
import { createBlockQueue, monthOf } from '../src/block-queue.ts';
import { enterRow, pendingBlocks, type PendingBlock } from '../src/pending-block.ts';

const november = Date.UTC(2026, 10, 30, 23, 59, 59, 999);
const december = november + 1;

const recordAt = (receivedAtMs: number, offset: number, valueBytes = 0): LogRecord => ({
  partition: 0,
  offset,
  timestampMs: receivedAtMs,
  key: null,
  value: Buffer.alloc(valueBytes),
  headers: {},
});

const ledger = {
  enter({ offset, timestampMs }: LogRecord, rows: EventRows): string | null {
    const place = { log: 'acme', seq: offset + 1, status: 'quarantined', statusDetail: '', schemaId: 0 } as const;
    rows.append(rowOfRecord({ ...place, generation: 1, partition: 0, receivedAtMs: timestampMs, offset }, '', null));
    return offset % 2 === 0 ? null : 'acme';
  },
};
const kind = pendingBlocks({ keepsValues: true });
const enter = (record: LogRecord, block: PendingBlock): void => enterRow(block, record, ledger);

function offsetsOf(block: PendingBlock | undefined): number[] {
  if (block === undefined) return [];
  return Array.from({ length: block.columns.rows }, (_, row) => block.reader.offsetAt(row));
}

const limits = { rowsMax: 3, bytesMax: 10_000, ageMsMax: 250, behindAgeMsMax: 2_000 };

describe('the block queue', () => {
  test('a block leaves when it is old enough, not before', () => {
    const queue = createBlockQueue(limits, kind);
    queue.add(recordAt(november, 0), enter, 1000);
    expect([queue.take(1249), queue.dueInMs(1249)]).toEqual([undefined, 1]);
    expect(offsetsOf(queue.take(1250))).toEqual([0]);
    expect(queue.dueInMs(1250)).toBeUndefined();
  });

  test('a block waits longer while a whole one is still to come from Kafka, and no longer than that', () => {
    const queue = createBlockQueue(limits, kind);
    queue.add(recordAt(november, 0), enter, 1000);
    queue.noteBehind(0, 2, 1100);
    queue.noteBehind(1, 1, 1000);
    expect([queue.take(1250), queue.dueInMs(1250)]).toEqual([undefined, 1_750]);
    queue.noteBehind(1, 0, 1250);
    expect(queue.dueInMs(1250)).toBe(0);
  });

  test('a partition of which nothing comes any more holds up nobody', () => {
    const queue = createBlockQueue(limits, kind);
    queue.noteBehind(0, 1_000, 1000);
    queue.add(recordAt(november, 0), enter, 2500);
    expect([queue.dueInMs(2750), queue.dueInMs(3001)]).toEqual([1_750, 0]);
  });

  test('a block leaves at once when it has its rows or its bytes', () => {
    const queue = createBlockQueue(limits, kind);
    [0, 1, 2, 3].forEach((offset) => queue.add(recordAt(november, offset), enter, 0));
    expect(offsetsOf(queue.take(0))).toEqual([0, 1, 2]);
    expect(queue.take(0)).toBeUndefined();
    queue.add(recordAt(november, 4, 10_000), enter, 0);
    expect(offsetsOf(queue.take(0))).toEqual([3, 4]);
  });

  test('I4: a block never spans two months, in either direction', () => {
    const queue = createBlockQueue(limits, kind);
    [november, december, december, november].forEach((at, offset) => queue.add(recordAt(at, offset), enter, 0));
    expect([queue.take(0), queue.take(0), queue.take(250)].map(offsetsOf)).toEqual([[0], [1, 2], [3]]);
  });

  test('rows leave in the order in which they came, none twice, whatever the limits', () => {
    const times = fc.array(fc.constantFrom(november, december), { maxLength: 40 });
    const [rowsMaxes, bytesMaxes] = [fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2000 })];
    fc.assert(
      fc.property(times, rowsMaxes, bytesMaxes, (receivedAt, rowsMax, bytesMax) => {
        const queue = createBlockQueue({ rowsMax, bytesMax, ageMsMax: 10, behindAgeMsMax: 10 }, kind);
        receivedAt.forEach((at, offset) => queue.add(recordAt(at, offset, 100), enter, 0));
        const taken: number[] = [];
        for (let block = queue.take(10); block !== undefined; block = queue.take(10)) {
          const offsets = offsetsOf(block);
          expect(new Set(offsets.map((offset) => monthOf(receivedAt[offset] ?? 0)))).toEqual(new Set([block.month]));
          expect(offsets.length).toBeLessThanOrEqual(rowsMax);
          expect(block.strays.map(({ record }) => record.offset)).toEqual(offsets.filter((offset) => offset % 2 === 1));
          expect(offsets.map((_, row) => block.values?.at(row)?.length)).toEqual(offsets.map(() => 100));
          taken.push(...offsets);
          queue.release(block);
        }
        expect(taken).toEqual(receivedAt.map((_, offset) => offset));
        expect(queue.bytes()).toBe(0);
      }),
    );
  });

  test('I8: a block that was taken counts as waiting until it is stored', () => {
    const queue = createBlockQueue(limits, kind);
    queue.add(recordAt(november, 0, 10_000), enter, 0);
    const block = queue.take(0);
    expect(queue.bytes()).toBe(10_200);
    if (block !== undefined) queue.release(block);
    expect(queue.bytes()).toBe(0);
  });
});
