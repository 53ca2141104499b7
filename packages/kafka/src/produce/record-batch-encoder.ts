import { crc32c } from '@node-rs/crc32';

/** What a record of a batch holds. */
export interface BatchRecord {
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string>>;
}

const magic = 2;
/** From the beginning to where the checksum stands, to where what it is of begins, and of the whole head. */
const atLength = 8;
const atCrc = 17;
const atAttributes = 21;
const headBytes = 61;
/** Base offset and length stand before what the length counts. */
const prefixBytes = 12;
const noProducer = -1n;

interface Writing {
  readonly bytes: Buffer;
  at: number;
}

/**
 * One record batch of message format 2 (KIP-98), uncompressed, as a producer without idempotence sends it: base offset 0, every record at `nowMs`.
 * Its bytes are written once, into one buffer (decisions/0027).
 */
export function encodeRecordBatch(records: readonly BatchRecord[], nowMs: number): Buffer {
  const bodySizes = records.map(sizeOfBody);
  const size = bodySizes.reduce((sum, body) => sum + sizeOfVarint(body) + body, headBytes);
  const batch = Buffer.allocUnsafe(size);
  const writing: Writing = { bytes: batch, at: headBytes };
  records.forEach((record, index) => putRecord(writing, record, index, bodySizes[index] ?? 0));
  if (writing.at !== size) throw new RangeError(`a batch of ${size} bytes was written with ${writing.at}`);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(size - prefixBytes, atLength);
  // The leader's epoch: not known to a producer.
  batch.writeInt32BE(-1, prefixBytes);
  batch.writeInt8(magic, prefixBytes + 4);
  let at = batch.writeInt16BE(0, atAttributes);
  at = batch.writeInt32BE(records.length - 1, at);
  at = batch.writeBigInt64BE(BigInt(nowMs), at);
  at = batch.writeBigInt64BE(BigInt(nowMs), at);
  at = batch.writeBigInt64BE(noProducer, at);
  at = batch.writeInt16BE(-1, at);
  at = batch.writeInt32BE(-1, at);
  batch.writeInt32BE(records.length, at);
  batch.writeUInt32BE(crc32c(batch.subarray(atAttributes)), atCrc);
  return batch;
}

/** What a record takes in a batch of up to 2^20, at most: its place there is not known yet. */
export function sizeOfRecord(record: BatchRecord): number {
  const body = sizeOfBody(record, 2 ** 20 - 1);
  return sizeOfVarint(body) + body;
}

function sizeOfBody({ key, value, headers }: BatchRecord, offsetDelta: number): number {
  const names = Object.keys(headers);
  // One byte each for the attributes and the time's difference of 0.
  let size = 2 + sizeOfVarint(offsetDelta) + sizeOfBytes(key) + sizeOfBytes(value) + sizeOfVarint(names.length);
  for (const name of names) size += sizeOfBytes(name) + sizeOfBytes(headers[name] ?? null);
  return size;
}

function sizeOfBytes(bytes: Buffer | string | null): number {
  if (bytes === null) return 1;
  const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
  return sizeOfVarint(length) + length;
}

/** Of a whole number from 0 to 2^30: zigzag doubles it. */
function sizeOfVarint(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x10_0000 ? 3 : value < 0x800_0000 ? 4 : 5;
}

function putRecord(writing: Writing, { key, value, headers }: BatchRecord, offsetDelta: number, body: number): void {
  putVarint(writing, body);
  writing.bytes[writing.at++] = 0;
  writing.bytes[writing.at++] = 0;
  putVarint(writing, offsetDelta);
  putBytes(writing, key);
  putBytes(writing, value);
  const names = Object.keys(headers);
  putVarint(writing, names.length);
  for (const name of names) {
    putBytes(writing, name);
    putBytes(writing, headers[name] ?? null);
  }
}

function putVarint(writing: Writing, value: number): void {
  let rest = value * 2;
  while (rest >= 0x80) {
    writing.bytes[writing.at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  writing.bytes[writing.at++] = rest;
}

const minusOne = 1;

function putBytes(writing: Writing, bytes: Buffer | string | null): void {
  if (bytes === null) {
    writing.bytes[writing.at++] = minusOne;
  } else if (typeof bytes === 'string') {
    putVarint(writing, Buffer.byteLength(bytes));
    writing.at += writing.bytes.write(bytes, writing.at);
  } else {
    putVarint(writing, bytes.length);
    writing.bytes.set(bytes, writing.at);
    writing.at += bytes.length;
  }
}
