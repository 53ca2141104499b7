import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';

import { decodeRecordBatches } from '../../src/fetch/record-batch-decoder.ts';
import type { RecordBatch } from '../../src/fetch/record-batch-decoder.ts';
import { judgeVisibility } from '../../src/fetch/visibility-policy.ts';

/** A batch of records with neither key nor value, as a producer writes it. */
function batchBytes(options: { baseOffset: bigint; count: number; lastDelta?: number; attributes?: number }): Buffer {
  const { baseOffset, count, lastDelta = count - 1, attributes = 0 } = options;
  const bodies: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    const inner = Buffer.concat([Buffer.from([0, 0]), varint(index), varint(-1), varint(-1), varint(0)]);
    bodies.push(varint(inner.length), inner);
  }
  const records = (attributes & 7) === 1 ? gzipSync(Buffer.concat(bodies)) : Buffer.concat(bodies);
  const batch = Buffer.alloc(61);
  batch.writeBigInt64BE(baseOffset, 0);
  batch.writeInt32BE(61 - 12 + records.length, 8);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(lastDelta, 23);
  batch.writeBigInt64BE(1000n, 27);
  batch.writeBigInt64BE(2000n, 35);
  batch.writeBigInt64BE(7n, 43);
  batch.writeInt32BE(count, 57);
  return Buffer.concat([batch, records]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  return Buffer.from([...bytes, left]);
}

test('I8: one batch of more records than a call has arguments is read', async () => {
  const [batch] = await decodeRecordBatches(batchBytes({ baseOffset: 5n, count: 200_000, attributes: 1 }));
  expect(batch?.records).toHaveLength(200_000);
  expect(batch?.records.at(-1)).toMatchObject({ offset: '200004', timestamp: '1000', key: null, value: null });
});

test('a batch that the fetch cut off is left for the next fetch, and a time of append is the one of all its records', async () => {
  const whole = batchBytes({ baseOffset: 0n, count: 2, attributes: 8 });
  const cut = batchBytes({ baseOffset: 2n, count: 2 }).subarray(0, 70);
  const batches = await decodeRecordBatches(Buffer.concat([whole, cut]));
  expect(batches.map(({ records }) => records.map(({ timestamp }) => timestamp))).toEqual([['2000', '2000']]);
});

test('bytes that are no batch are an error that names the offset', async () => {
  const broken = batchBytes({ baseOffset: 41n, count: 1 });
  broken.writeInt8(127, 61);
  await expect(decodeRecordBatches(broken)).rejects.toThrow('the record batch at offset 41 cannot be read');
});

test('what compaction has emptied is passed: a hidden record stands at its last offset', async () => {
  const bytes = Buffer.concat([
    batchBytes({ baseOffset: 0n, count: 1, lastDelta: 3 }),
    batchBytes({ baseOffset: 4n, count: 0, lastDelta: 5 }),
  ]);
  const judged = judgeVisibility(await decodeRecordBatches(bytes), []);
  expect(judged.map(({ offset, isControlRecord }) => [offset, isControlRecord])).toEqual([
    ['0', false],
    ['3', true],
    ['9', true],
  ]);
});

interface Written {
  readonly producer: bigint;
  readonly marker?: 'abort' | 'commit';
}

/** One record at each offset from `from` on. */
function logOf(from: number, written: readonly Written[]): RecordBatch[] {
  return written.map(({ producer, marker }, index) => {
    const offset = BigInt(from + index);
    const key = marker === undefined ? null : Buffer.from([0, 0, 0, marker === 'abort' ? 0 : 1]);
    const records = [{ offset: String(offset), timestamp: '0', key, value: null, headers: {} }];
    const [isTransactional, isControl] = [producer > 0n, marker !== undefined];
    return { baseOffset: offset, lastOffset: offset, producerId: producer, isTransactional, isControl, records };
  });
}

const visible = (...args: Parameters<typeof judgeVisibility>): number[] =>
  judgeVisibility(...args)
    .filter(({ isControlRecord }) => !isControlRecord)
    .map(({ offset }) => Number(offset));

test('I2: transactions that overlap are hidden from their own beginning to their own marker', () => {
  const log = logOf(0, [
    { producer: 1n },
    { producer: 2n },
    { producer: 1n },
    { producer: 0n },
    { producer: 2n, marker: 'abort' },
    { producer: 1n },
    { producer: 2n },
    { producer: 1n, marker: 'abort' },
    { producer: 1n },
    { producer: 1n, marker: 'commit' },
    { producer: 2n, marker: 'commit' },
  ]);
  // In the broker's order: the inner one ended first.
  const aborted = [
    { producerId: 2n, firstOffset: 1n },
    { producerId: 1n, firstOffset: 0n },
  ];
  expect(visible(log, aborted)).toEqual([3, 6, 8]);
});

test('I2: a fetch that begins inside of two aborted transactions hides both from its first record on', () => {
  const log = logOf(50, [{ producer: 2n }, { producer: 1n }, { producer: 0n }]);
  const aborted = [
    { producerId: 1n, firstOffset: 3n },
    { producerId: 2n, firstOffset: 7n },
  ];
  expect(visible(log, aborted)).toEqual([52]);
});
