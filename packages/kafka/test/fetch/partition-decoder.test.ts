import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';

import { decodeFetchAnswer } from '../../src/fetch/fetch-answer.ts';
import { partOf } from '../../src/fetch/fetched-part.ts';
import type { FetchedPart } from '../../src/fetch/fetched-part.ts';
import { decodePart } from '../../src/fetch/partition-decoder.ts';
import { batchBytesMax, batchRecordsMax } from '../../src/fetch/record-batch-decoder.ts';
import { answerBytes, batchBytes, empty } from './batch-bytes.ts';

async function decode(recordSet: Buffer, left = Infinity): Promise<FetchedPart | undefined> {
  return decodePart({ partition: 3, aborted: [], recordSet }, { left });
}

async function recordsOf(recordSet: Buffer, left?: number) {
  const part = await decode(recordSet, left);
  if (part?.kind !== 'records') throw new Error(`no records but ${JSON.stringify(part)}`);
  return part;
}

const gzip = { attributes: 1, pack: (bytes: Buffer) => gzipSync(bytes) };

test('I8: one batch of more records than a call has arguments is read', async () => {
  const { records } = await recordsOf(batchBytes({ baseOffset: 5n, records: empty(200_000), ...gzip }));
  expect(records).toHaveLength(200_000);
  expect(records.at(-1)).toEqual({
    partition: 3,
    offset: 200_004,
    timestampMs: 1000,
    key: null,
    value: null,
    headers: {},
  });
});

test('a batch that the fetch cut off is left for the next fetch, and a time of append is the one of all its records', async () => {
  const whole = batchBytes({ baseOffset: 0n, records: [{}, { timestampDelta: 5 }], attributes: 8 });
  const cut = batchBytes({ baseOffset: 2n, records: empty(2) }).subarray(0, 70);
  const { records, lastOffset } = await recordsOf(Buffer.concat([whole, cut]));
  expect(records.map(({ timestampMs }) => timestampMs)).toEqual([2000, 2000]);
  expect(lastOffset).toBe(1);
});

test('what compaction has emptied is passed', async () => {
  const bytes = Buffer.concat([
    batchBytes({ baseOffset: 0n, records: empty(1), lastDelta: 3 }),
    batchBytes({ baseOffset: 4n, records: [], lastDelta: 5, attributes: 2 }),
  ]);
  const { records, lastOffset } = await recordsOf(bytes);
  expect([records.map(({ offset }) => offset), lastOffset]).toEqual([[0], 9]);
});

test('I2: a batch of which any byte is another is never read: what came before it is, and then it is named', () => {
  const good = batchBytes({ baseOffset: 40n, records: [{ value: Buffer.from('before') }] });
  const batch = batchBytes({
    baseOffset: 41n,
    records: [{ key: Buffer.from('k'), value: Buffer.from('v'.repeat(50)) }],
  });
  // The offset and the leader's epoch are the broker's: no checksum of the producer's can hold them.
  const places = fc
    .integer({ min: 0, max: batch.length - 1 })
    .filter((place) => place >= 8 && (place < 12 || place >= 16));
  return fc.assert(
    fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async (place, flip) => {
      const damaged = Buffer.from(batch);
      damaged.writeUInt8(damaged.readUInt8(place) ^ flip, place);
      const first = await decode(damaged);
      expect(first).toMatchObject({ kind: 'unreadable', batch: { offset: 41 } });
      // Another length or format is no matter of checksums.
      if (first?.kind === 'unreadable' && place >= 21) expect(first.batch.reason).toBe('damaged');
      expect(await recordsOf(Buffer.concat([good, damaged]))).toMatchObject({ lastOffset: 40 });
    }),
  );
});

test('whole bytes that are no records are undecodable', async () => {
  const nonsense = batchBytes({ baseOffset: 41n, records: empty(3), pack: () => Buffer.from([9, 9, 9, 9]) });
  expect(await decode(nonsense)).toMatchObject({ kind: 'unreadable', batch: { offset: 41, reason: 'undecodable' } });
  const otherCodec = batchBytes({ baseOffset: 41n, records: empty(3), attributes: 1 });
  expect(await decode(otherCodec)).toMatchObject({ kind: 'unreadable', batch: { reason: 'undecodable' } });
});

const deltas = (...given: number[]) => given.map((offsetDelta) => ({ offsetDelta }));

test.each([
  ['the same twice', deltas(0, 1, 1)],
  ['descending', deltas(2, 1, 0)],
  ['with a hole', deltas(0, 1, 5)],
  ['before the batch', deltas(-7, 1, 2)],
])(
  'I2: in a batch that has all of its records each has the offset of its place, where they say %s',
  async (_name, records) => {
    const part = await recordsOf(batchBytes({ baseOffset: 40n, records }));
    expect([part.records.map(({ offset }) => offset), part.lastOffset]).toEqual([[40, 41, 42], 42]);
  },
);

test('what compaction has left keeps its offsets, also at both ends of the batch', async () => {
  const part = await recordsOf(batchBytes({ baseOffset: 40n, records: deltas(0, 3, 5), lastDelta: 5 }));
  expect(part.records.map(({ offset }) => offset)).toEqual([40, 43, 45]);
});

test.each([
  ['the same twice', deltas(0, 3, 3)],
  ['descending', deltas(0, 4, 3)],
  ['behind the batch', deltas(0, 3, 6)],
  ['before the batch', deltas(-1, 3, 5)],
  ['more than there are', deltas(0, 1, 2, 3, 4, 5, 6)],
])('I2: a batch that compaction has thinned is undecodable where its records say %s', async (_name, records) => {
  const bytes = batchBytes({ baseOffset: 40n, records, lastDelta: 5 });
  expect(await decode(bytes)).toMatchObject({
    kind: 'unreadable',
    batch: { offset: 40, lastOffset: 45, reason: 'undecodable' },
  });
});

/** A batch whose records unpack to `bytes` bytes: one large record, and zeros behind it. */
function batchOf(
  bytes: number,
  codec: { readonly attributes: number; readonly pack: (bytes: Buffer) => Buffer },
): Buffer {
  const pack = (records: Buffer): Buffer => codec.pack(Buffer.concat([records], bytes));
  return batchBytes({
    baseOffset: 7n,
    records: [{ value: Buffer.alloc(bytes - 16) }],
    attributes: codec.attributes,
    pack,
  });
}

/** One block of 128 KiB of zeros after the other; nothing but a header each. */
function zstdZeros(bytes: Buffer): Buffer {
  const blockBytes = 128 * 1024;
  const blocks: Buffer[] = [];
  for (let left = bytes.length; left > 0; left -= blockBytes) {
    const block = Buffer.alloc(4);
    block.writeUIntLE(Math.min(left, blockBytes) * 8 + 2 + Number(left <= blockBytes), 0, 3);
    blocks.push(block);
  }
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]), ...blocks]);
}

/** snappy-java's stream, in blocks as it writes them. */
function xerial(bytes: Buffer): Buffer {
  const blocks: Buffer[] = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])];
  for (let at = 0; at < bytes.length; at += 32 * 1024) {
    const block = compressSync(bytes.subarray(at, at + 32 * 1024));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    blocks.push(length, block);
  }
  return Buffer.concat(blocks);
}

const bombs = [
  { codec: 'gzip', ...gzip, factor: 1 },
  { codec: 'snappy', attributes: 2, pack: (bytes: Buffer) => compressSync(bytes), factor: 1 },
  { codec: 'snappy of Java', attributes: 2, pack: xerial, factor: 1 },
  { codec: 'lz4', attributes: 3, pack: (bytes: Buffer) => compressFrameSync(bytes), factor: 1 },
  { codec: 'zstd', attributes: 4, pack: zstdZeros, factor: 2 },
];

test.each(bombs)(
  'I8: a batch of $codec that unpacks to more than the limit is refused, unpacking nothing',
  async (bomb) => {
    const above = batchOf(bomb.factor * batchBytesMax + 1, bomb);
    const before = process.memoryUsage().arrayBuffers;
    expect(await decode(above)).toMatchObject({
      kind: 'unreadable',
      batch: { offset: 7, lastOffset: 7, reason: 'too_large' },
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * batchBytesMax);
  },
);

test('I8: at the limit a batch is read', async () => {
  const { records } = await recordsOf(batchOf(batchBytesMax, gzip));
  expect(records).toHaveLength(1);
});

test('I8: a batch of more records than the limit is refused, at the limit it is read', async () => {
  // The same record again and again: what it says of its place makes no difference here.
  const one = Buffer.from([12, 0, 0, 0, 1, 1, 0]);
  const pack = () => gzipSync(Buffer.alloc(one.length * batchRecordsMax, one));
  const atLimit = batchBytes({
    baseOffset: 0n,
    records: [],
    count: batchRecordsMax,
    lastDelta: batchRecordsMax - 1,
    attributes: 1,
    pack,
  });
  expect((await recordsOf(atLimit)).records).toHaveLength(batchRecordsMax);
  const above = batchBytes({ baseOffset: 0n, records: [], count: batchRecordsMax + 1, ...gzip });
  expect(await decode(above)).toMatchObject({ kind: 'unreadable', batch: { reason: 'too_large' } });
});

test('I8: when the budget of a fetch is spent, the rest is left for the next one', async () => {
  const batches = [0n, 1n, 2n].map((baseOffset) =>
    batchBytes({ baseOffset, records: [{ value: Buffer.alloc(100_000) }], ...gzip }),
  );
  expect(await recordsOf(Buffer.concat(batches), 150_000)).toMatchObject({ lastOffset: 1 });
  expect(await decode(Buffer.concat(batches), 0)).toBeUndefined();
});

test('I7: a partition that cannot be read is no matter of the others of the same fetch', async () => {
  const damaged = batchBytes({ baseOffset: 9n, records: empty(2) });
  damaged.writeUInt8(1, damaged.length - 1);
  const answer = await decodeFetchAnswer(
    answerBytes('a.topic', [
      { partition: 0, recordSet: batchBytes({ baseOffset: 4n, records: empty(2) }) },
      { partition: 1, recordSet: damaged },
      { partition: 2, recordSet: batchBytes({ baseOffset: 6n, records: empty(1) }) },
      { partition: 3, recordSet: Buffer.alloc(0) },
    ]),
  );
  const found = answer.responses[0]?.partitions.map(({ messages }) => partOf(messages[0]));
  expect(found).toMatchObject([
    { kind: 'records', records: [{ partition: 0, offset: 4 }, { offset: 5 }], lastOffset: 5 },
    { kind: 'unreadable', batch: { offset: 9, reason: 'damaged' } },
    { kind: 'records', records: [{ partition: 2, offset: 6 }] },
    undefined,
  ]);
  // kafkajs would pass over a message before the offset that it asked for, and then the batch would be skipped.
  expect(answer.responses[0]?.partitions[1]?.messages[0]?.offset).toBe('9223372036854775807');
});

test('I2: an aborted transaction is hidden by what the answer says, and its marker too', async () => {
  const transactional = { attributes: 0x10, producerId: 5n };
  const marker = [{ key: Buffer.from([0, 0, 0, 0]), value: Buffer.alloc(6) }];
  const recordSet = Buffer.concat([
    batchBytes({ baseOffset: 0n, records: empty(2), ...transactional }),
    batchBytes({ baseOffset: 2n, records: empty(1) }),
    batchBytes({ baseOffset: 3n, records: marker, attributes: 0x30, producerId: 5n }),
    batchBytes({ baseOffset: 4n, records: empty(1), ...transactional }),
    batchBytes({ baseOffset: 5n, records: [{ key: Buffer.from([0, 0, 0, 1]) }], attributes: 0x30, producerId: 5n }),
  ]);
  const part = await decodePart(
    { partition: 0, aborted: [{ producerId: 5n, firstOffset: 0n }], recordSet },
    { left: Infinity },
  );
  expect(part).toMatchObject({ records: [{ offset: 2 }, { offset: 4 }], lastOffset: 5 });
});
