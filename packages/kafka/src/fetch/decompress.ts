import { decompress as zstdDecompress } from 'fzstd';
import { decompressFrame } from 'lz4-napi';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { uncompress } from 'snappy';

const gunzipped = promisify(gunzip);

/** snappy-java's stream: this magic, two versions of 4 bytes each, then blocks behind a 32-bit length. librdkafka writes bare blocks. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const xerialHeaderBytes = 16;

/**
 * The records of a batch as they were before the producer compressed them: every codec of Kafka's (`compression.type`).
 * Rejects for bytes that are not of that codec; Kafka itself takes no such batch.
 * @param codec the low three bits of the batch's attributes: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
 */
export async function decompress(codec: number, bytes: Buffer): Promise<Buffer> {
  switch (codec) {
    case 0:
      return bytes;
    case 1:
      return gunzipped(bytes);
    case 2:
      return unsnapped(bytes);
    case 3:
      return decompressFrame(bytes);
    case 4:
      return viewOf(zstdDecompress(bytes));
    default:
      throw new RangeError(`Kafka has no codec ${codec}`);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

async function unsnapped(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return block(bytes);
  const blocks: Buffer[] = [];
  for (let at = xerialHeaderBytes; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    blocks.push(await block(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

async function block(bytes: Buffer): Promise<Buffer> {
  const found = await uncompress(bytes, { asBuffer: true });
  return Buffer.isBuffer(found) ? found : Buffer.from(found);
}
