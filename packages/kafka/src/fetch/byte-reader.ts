/** Reads the primitive types of Kafka's protocol one after the other. Every read throws a RangeError behind the end. */
export interface ByteReader {
  readonly bytes: Buffer;
  at: number;
}

export function readInt16(reader: ByteReader): number {
  const value = reader.bytes.readInt16BE(reader.at);
  reader.at += 2;
  return value;
}

export function readInt32(reader: ByteReader): number {
  const value = reader.bytes.readInt32BE(reader.at);
  reader.at += 4;
  return value;
}

export function readInt64(reader: ByteReader): bigint {
  const value = reader.bytes.readBigInt64BE(reader.at);
  reader.at += 8;
  return value;
}

/** A zigzag varint of up to 64 bits; exact below 2^53. */
export function readVarint(reader: ByteReader): number {
  const first = readByte(reader);
  if (first < 0x80) return (first >>> 1) ^ -(first & 1);
  const second = readByte(reader);
  if (second < 0x80) {
    const value = (first & 0x7f) | (second << 7);
    return (value >>> 1) ^ -(value & 1);
  }
  let value = (first & 0x7f) + (second & 0x7f) * 0x80;
  let byte = second;
  for (let shift = 14; byte >= 0x80; shift += 7) {
    if (shift > 63) throw new RangeError('a varint is longer than ten bytes');
    byte = readByte(reader);
    value += (byte & 0x7f) * 2 ** shift;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** An unsigned varint, as lengths in Kafka's flexible messages are (KIP-482). */
export function readUnsignedVarint(reader: ByteReader): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = readByte(reader);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
    if (shift > 28) throw new RangeError('an unsigned varint is longer than five bytes');
  }
}

function readByte(reader: ByteReader): number {
  const byte = reader.bytes[reader.at];
  if (byte === undefined) throw new RangeError(`there is no byte at ${reader.at}`);
  reader.at += 1;
  return byte;
}

/** Bytes behind a varint length; null for the length −1. A view, not a copy. */
export function readVarintBytes(reader: ByteReader): Buffer | null {
  const length = readVarint(reader);
  return length < 0 ? null : readBytes(reader, length);
}

export function skipBytes(reader: ByteReader, length: number): void {
  reader.at += length;
}

export function readBytes(reader: ByteReader, length: number): Buffer {
  const end = reader.at + length;
  if (length < 0 || end > reader.bytes.length) throw new RangeError(`${length} bytes at ${reader.at} are not there`);
  const view = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return view;
}

/** The elements of an array with a 32-bit count; a null array is empty. */
export function readArray<T>(reader: ByteReader, readElement: (reader: ByteReader) => T): T[] {
  const count = readInt32(reader);
  const elements: T[] = [];
  for (let index = 0; index < count; index += 1) elements.push(readElement(reader));
  return elements;
}

/** A string with a 16-bit length. */
export function readString(reader: ByteReader): string {
  return readBytes(reader, readInt16(reader)).toString('utf8');
}
