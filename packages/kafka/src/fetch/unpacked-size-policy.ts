/** A batch that is larger than its reader allows. Whoever wrote it compressed more into it than an honest producer does. */
export class TooLargeError extends Error {}

/** Size of an LZ4 block, by the descriptor's three bits. */
const lz4BlockBytes = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024] as const;
const lz4Magic = 0x184d2204;
const lz4StoredBit = 0x8000_0000;

interface Lz4Block {
  readonly from: number;
  readonly to: number;
  readonly isStored: boolean;
}

/**
 * How many bytes an LZ4 frame unpacks to, without unpacking it: exact if that may be more than `enough`, otherwise at most. Throws a
 * RangeError for bytes that are no frame. (LZ4 frame format 1.6.)
 */
export function lz4UnpackedBytes(bytes: Buffer, enough: number): number {
  const { blocks, blockBytesMax } = lz4Blocks(bytes);
  const highest = blocks.reduce((sum, { from, to, isStored }) => sum + (isStored ? to - from : blockBytesMax), 0);
  if (highest <= enough) return highest;
  // Blocks need not be full: each has to be looked through.
  return blocks.reduce(
    (sum, { from, to, isStored }) => sum + (isStored ? to - from : lz4BlockUnpackedBytes(bytes, from, to)),
    0,
  );
}

function lz4Blocks(bytes: Buffer): { readonly blocks: readonly Lz4Block[]; readonly blockBytesMax: number } {
  if (bytes.readUInt32LE(0) !== lz4Magic) throw new RangeError('it is not an LZ4 frame');
  const flags = bytes.readUInt8(4);
  const blockBytesMax = lz4BlockBytes[(bytes.readUInt8(5) >> 4) & 7] ?? 0;
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4;
  const blocks: Lz4Block[] = [];
  let at = 7 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4);
  for (let word = bytes.readUInt32LE(at); word !== 0; word = bytes.readUInt32LE(at)) {
    const from = at + 4;
    const to = from + (word % lz4StoredBit);
    if (to > bytes.length) throw new RangeError('an LZ4 block is cut off');
    blocks.push({ from, to, isStored: word >= lz4StoredBit });
    at = to + checksumBytes;
  }
  return { blocks, blockBytesMax };
}

/** Adds up the lengths in the tokens of a block's sequences. */
function lz4BlockUnpackedBytes(bytes: Buffer, from: number, to: number): number {
  let unpacked = 0;
  let at = from;
  const rest = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let byte = 255; byte === 255;) {
      byte = bytes.readUInt8(at++);
      length += byte;
    }
    return length;
  };
  while (at < to) {
    const token = bytes.readUInt8(at++);
    const literals = rest(token >> 4);
    unpacked += literals;
    at += literals;
    // The last sequence is literals alone.
    if (at >= to) break;
    at += 2;
    unpacked += 4 + rest(token & 0x0f);
  }
  return unpacked;
}

const zstdMagic = 0xfd2fb528;
const zstdBlockBytesMax = 128 * 1024;
const zstdTypes = { raw: 0, repeated: 1, compressed: 2 } as const;

/**
 * What a zstd frame unpacks to at most: the sum of its blocks, of which a compressed one says nothing but that it holds up to 128 KiB.
 * Throws a RangeError for anything else than one whole frame; Kafka's producers write one a batch. (RFC 8878.)
 */
export function zstdUnpackedBytesMax(bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== zstdMagic) throw new RangeError('it is not a zstd frame');
  const descriptor = bytes.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 0x03] ?? 0;
  const contentBytes = descriptor >> 6 === 0 ? Number(isSingleSegment) : 2 ** (descriptor >> 6);
  let at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + contentBytes;
  let unpacked = 0;
  for (let isLast = false; !isLast;) {
    const header = bytes.readUIntLE(at, 3);
    isLast = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    unpacked += type === zstdTypes.compressed ? zstdBlockBytesMax : size;
    at += 3 + (type === zstdTypes.repeated ? 1 : size);
  }
  if (at + (hasChecksum ? 4 : 0) !== bytes.length) throw new RangeError('it is not one whole zstd frame');
  return unpacked;
}

/** What a snappy block says that it unpacks to; the library gives no more and no less. */
export function snappyUnpackedBytes(block: Buffer): number {
  let size = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = block.readUInt8(at);
    size += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return size;
  }
  throw new RangeError('it is not a snappy block');
}
