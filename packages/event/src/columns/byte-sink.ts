/**
 * Bytes that grow at the end: a column of a block on its way to ClickHouse, in its Native format. A plain object and free
 * functions: the hottest code of the ingestor stays monomorphic.
 */
export interface ByteSink {
  buffer: Buffer;
  /** Of the same bytes as `buffer`: words can be stored at any place. */
  view: DataView;
  /** Of `buffer`. */
  capacity: number;
  length: number;
  /** Where the row that is being written began; kept by who may have to take it back. */
  mark: number;
}

const initialBytes = 4 * 1024;

export function createByteSink(): ByteSink {
  return withCapacity({ length: 0, mark: 0 }, initialBytes);
}

function withCapacity(sink: Partial<ByteSink> & Pick<ByteSink, 'length' | 'mark'>, capacity: number): ByteSink {
  const buffer = Buffer.allocUnsafeSlow(capacity);
  sink.buffer?.copy(buffer, 0, 0, sink.length);
  return Object.assign(sink, { buffer, view: new DataView(buffer.buffer), capacity });
}

/** Doubles until `more` bytes fit. */
export function reserve(sink: ByteSink, more: number): void {
  const needed = sink.length + more;
  if (needed > sink.capacity) grow(sink, needed);
}

function grow(sink: ByteSink, needed: number): void {
  let capacity = sink.capacity * 2;
  while (capacity < needed) capacity *= 2;
  withCapacity(sink, capacity);
}

/**
 * Forgets the bytes and keeps the memory for the next ones, but not four times of what was used: one large value must not
 * hold its memory for ever (I8).
 */
export function clearSink(sink: ByteSink): void {
  const isOversized = sink.capacity > initialBytes && sink.length < sink.capacity / 4;
  sink.length = 0;
  if (isOversized) withCapacity(sink, sink.capacity / 2);
}

export function writtenBytes(sink: ByteSink): Buffer {
  return sink.buffer.subarray(0, sink.length);
}

export function putByte(sink: ByteSink, value: number): void {
  reserve(sink, 1);
  sink.buffer[sink.length++] = value;
}

export function putUInt16(sink: ByteSink, value: number): void {
  if (value < 0 || value > 0xffff) throw new RangeError(`not a UInt16: ${value}`);
  reserve(sink, 2);
  const { buffer, length } = sink;
  buffer[length] = value;
  buffer[length + 1] = value >>> 8;
  sink.length = length + 2;
}

export function putUInt32(sink: ByteSink, value: number): void {
  if (value < 0 || value > 0xffff_ffff) throw new RangeError(`not a UInt32: ${value}`);
  reserve(sink, 4);
  storeWord(sink, value);
}

/** A safe integer as 64 bits, two's complement when negative. */
export function putInt64(sink: ByteSink, value: number): void {
  reserve(sink, 8);
  // `>>>` takes a number modulo 2^32, whatever its size.
  storeWord(sink, value >>> 0);
  storeWord(sink, Math.floor(value / 0x1_0000_0000));
}

/** The low 32 bits, little-endian; the bytes are reserved. Stores to a Uint8Array keep the low 8 bits. */
function storeWord(sink: ByteSink, value: number): void {
  const { buffer, length } = sink;
  buffer[length] = value;
  buffer[length + 1] = value >>> 8;
  buffer[length + 2] = value >>> 16;
  buffer[length + 3] = value >>> 24;
  sink.length = length + 4;
}

export function putBigUInt64(sink: ByteSink, value: bigint): void {
  reserve(sink, 8);
  sink.length = sink.buffer.writeBigUInt64LE(value, sink.length);
}

/** LEB128, as ClickHouse writes lengths. `value` < 2^31. */
export function putVarUInt(sink: ByteSink, value: number): void {
  reserve(sink, 5);
  let rest = value;
  while (rest >= 0x80) {
    sink.buffer[sink.length++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  sink.buffer[sink.length++] = rest;
}

export function putBytes(sink: ByteSink, value: Uint8Array): void {
  if (value.length === 0) return;
  reserve(sink, value.length);
  sink.buffer.set(value, sink.length);
  sink.length += value.length;
}

/** Up to this many UTF-16 units take at most 127 bytes of UTF-8, so that their length is one byte. */
const shortUnitsMax = 42;

/** A length and UTF-8. Lone surrogates become U+FFFD; NUL and everything else stays. */
export function putText(sink: ByteSink, value: string): void {
  const units = value.length;
  if (units > shortUnitsMax) {
    const bytes = Buffer.byteLength(value);
    putVarUInt(sink, bytes);
    reserve(sink, bytes);
    sink.length += sink.buffer.write(value, sink.length);
    return;
  }
  reserve(sink, 1 + units * 3);
  const { buffer } = sink;
  const start = sink.length + 1;
  for (let i = 0; i < units; i++) {
    const unit = value.charCodeAt(i);
    if (unit >= 0x80) {
      const bytes = buffer.write(value, start);
      buffer[start - 1] = bytes;
      sink.length = start + bytes;
      return;
    }
    buffer[start + i] = unit;
  }
  buffer[start - 1] = units;
  sink.length = start + units;
}

/** The value of an ASCII hexadecimal digit; −1 for every other byte. */
export const hexDigits: Int8Array = hexDigitTable();

function hexDigitTable(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
}

/** Where the byte pairs of a canonical UUID begin, in the order in which ClickHouse keeps them: two reversed halves. */
export const uuidPairs = Uint8Array.of(16, 14, 11, 9, 6, 4, 2, 0, 34, 32, 30, 28, 26, 24, 21, 19);

/** The last end of an Array or Map column, which its next value's end counts on from; 0 at the block's beginning. Below 2^32. */
export function lastEnd(ends: ByteSink): number {
  return ends.length === 0 ? 0 : ends.view.getUint32(ends.length - 8, true);
}

/** A canonical UUID (36 characters). Throws on anything else. */
export function putUuid(sink: ByteSink, value: string): void {
  if (value.length !== 36) throw new TypeError(`not a UUID: ${value.slice(0, 64)}`);
  reserve(sink, 16);
  for (let i = 0; i < 16; i++) {
    const pair = uuidPairs[i] ?? 0;
    const high = hexDigits[value.charCodeAt(pair)] ?? -1;
    const low = hexDigits[value.charCodeAt(pair + 1)] ?? -1;
    if (high < 0 || low < 0) throw new TypeError(`not a UUID: ${value}`);
    sink.buffer[sink.length++] = (high << 4) | low;
  }
}
