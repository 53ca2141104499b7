import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';

import { lz4UnpackedBytes, snappyUnpackedBytes, zstdUnpackedBytesMax } from '../../src/fetch/unpacked-size-policy.ts';

/** Bytes that pack in every way: repeats near and far, and noise. */
const packable = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 3_000 })), { maxLength: 20 })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))));

test('I8: the size of an LZ4 frame is told from its tokens, to the byte, and never too low from its blocks', () => {
  fc.assert(
    fc.property(packable, fc.boolean(), (bytes, blockChecksums) => {
      const frame = compressFrameSync(bytes, { blockChecksums, contentChecksum: true });
      expect(lz4UnpackedBytes(frame, 0)).toBe(bytes.length);
      expect(lz4UnpackedBytes(frame, Infinity)).toBeGreaterThanOrEqual(bytes.length);
    }),
  );
});

test('I8: the size of a snappy block is what it says', () => {
  fc.assert(fc.property(packable, (bytes) => expect(snappyUnpackedBytes(compressSync(bytes))).toBe(bytes.length)));
});

test('I8: a zstd frame unpacks to no more than its blocks can hold', () => {
  const block = (type: number, size: number, isLast: boolean): Buffer => {
    const header = Buffer.alloc(3);
    header.writeUIntLE(size * 8 + type * 2 + Number(isLast), 0, 3);
    return Buffer.concat([header, Buffer.alloc(type === 1 ? 1 : size)]);
  };
  const frame = Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]),
    block(0, 10, false),
    block(1, 100_000, false),
    block(2, 33, true),
  ]);
  expect(zstdUnpackedBytesMax(frame)).toBe(10 + 100_000 + 128 * 1024);
  expect(() => zstdUnpackedBytesMax(frame.subarray(0, -1))).toThrow('not one whole zstd frame');
  expect(() => zstdUnpackedBytesMax(Buffer.concat([frame, frame]))).toThrow('not one whole zstd frame');
});
