import { decompress as zstdDecompress } from 'fzstd';
import { decompressFrame } from 'lz4-napi';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { uncompress } from 'snappy';

import { lz4UnpackedBytes, snappyUnpackedBytes, TooLargeError, zstdUnpackedBytesMax } from './unpacked-size-policy.ts';

const gunzipped = promisify(gunzip);

/** snappy-java's stream: this magic, two versions of 4 bytes each, then blocks behind a 32-bit length. librdkafka writes bare blocks. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const xerialHeaderBytes = 16;
/** A zstd frame says only how large its blocks can be, so that much more is let through; no more is ever written than there is. */
const zstdSlack = 2;

/**
 * The records of a batch as they were before the producer compressed them: every codec of Kafka's (`compression.type`). zstd may
 * give zeros behind them. Never takes more memory than a small multiple of `bytesMax`, whatever the bytes say. Rejects with a
 * `TooLargeError` if there is more, with another error for bytes that are not of that codec.
 * @param codec the low three bits of the batch's attributes: 1 gzip, 2 snappy, 3 lz4, 4 zstd.
 */
export async function decompress(codec: number, bytes: Buffer, bytesMax: number): Promise<Buffer> {
  switch (codec) {
    case 1:
      return unzipped(bytes, bytesMax);
    case 2:
      return unsnapped(bytes, bytesMax);
    case 3:
      checkSize(lz4UnpackedBytes(bytes, bytesMax), bytesMax);
      return decompressFrame(bytes);
    case 4: {
      const unpackedBytesMax = zstdUnpackedBytesMax(bytes);
      checkSize(unpackedBytesMax, zstdSlack * bytesMax);
      // With a place to write to, it needs no window: those of the highest levels are 128 MiB.
      return viewOf(zstdDecompress(bytes, new Uint8Array(unpackedBytesMax)));
    }
    default:
      throw new RangeError(`Kafka has no codec ${codec}`);
  }
}

function checkSize(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw new TooLargeError(`it unpacks to more than ${bytesMax} bytes`);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

async function unzipped(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    return await gunzipped(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    const isTooLarge =
      typeof error === 'object' && error !== null && Reflect.get(error, 'code') === 'ERR_BUFFER_TOO_LARGE';
    if (!isTooLarge) throw error;
    throw new TooLargeError(`it unpacks to more than ${bytesMax} bytes`, { cause: error });
  }
}

async function unsnapped(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  const blocks = snappyBlocks(bytes);
  checkSize(
    blocks.reduce((sum, block) => sum + snappyUnpackedBytes(block), 0),
    bytesMax,
  );
  const unpacked: Buffer[] = [];
  for (const block of blocks) {
    const found = await uncompress(block, { asBuffer: true });
    unpacked.push(Buffer.isBuffer(found) ? found : Buffer.from(found));
  }
  const [only] = unpacked;
  return unpacked.length === 1 && only !== undefined ? only : Buffer.concat(unpacked);
}

function snappyBlocks(bytes: Buffer): Buffer[] {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return [bytes];
  const blocks: Buffer[] = [];
  for (let at = xerialHeaderBytes; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new RangeError('a snappy block is cut off');
    blocks.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return blocks;
}
