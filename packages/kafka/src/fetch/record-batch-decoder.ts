import { crc32c } from '@node-rs/crc32';
import type { LogRecord } from '@docket/event';

import { readVarint, readVarintBytes, skipBytes } from './byte-reader.ts';
import type { ByteReader } from './byte-reader.ts';
import { decompress } from './decompress.ts';
import type { UnreadableBatch } from './fetched-part.ts';
import { TooLargeError } from './unpacked-size-policy.ts';

/**
 * The most that one batch may unpack to. message.max.bytes limits only what is compressed, and gzip packs a thousandfold; what honest
 * producers fill a batch with is a small multiple of their batch.size and max.request.size, 1 MiB by default.
 */
export const batchBytesMax = 64 * 1024 * 1024;
/** The least record takes 7 bytes and becomes an object of more than a hundred. */
export const batchRecordsMax = 500_000;

/** The head of a record batch of message format 2 (KIP-98), with its bytes, which are those that the producer sent. */
export interface RecordBatch {
  readonly baseOffset: number;
  /** Of the batch as it was written: compaction may have taken the records up to it. */
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** Holds a transaction's marker instead of data. */
  readonly isControl: boolean;
  /** The time of append, of all records; null: each has its producer's. */
  readonly appendTimeMs: number | null;
  readonly baseTimestampMs: number;
  readonly codec: number;
  readonly count: number;
  readonly packed: Buffer;
}

export type FoundBatch =
  | { readonly ok: true; readonly batch: RecordBatch; readonly end: number }
  | { readonly ok: false; readonly unreadable: UnreadableBatch };

/** Places in a batch. Base offset and length stand before what the length counts, magic and checksum before what that is of. */
const at = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
} as const;
const atProducerId = 43;
const atCount = 57;
const headBytes = 61;
const prefixBytes = 12;

const codecBits = 0x07;
const logAppendTimeBit = 0x08;
const transactionalBit = 0x10;
const controlBit = 0x20;

/**
 * The head of the batch that begins at `from`, its checksum compared; undefined when there is none, or only the beginning of one: a
 * broker cuts all but the first off anywhere.
 */
export function findBatch(bytes: Buffer, from: number): FoundBatch | undefined {
  if (from + prefixBytes > bytes.length) return undefined;
  const offset = Number(bytes.readBigInt64BE(from));
  const end = from + prefixBytes + bytes.readInt32BE(from + at.length);
  const damaged = (detail: string): FoundBatch => ({
    ok: false,
    unreadable: { offset, lastOffset: null, reason: 'damaged', detail },
  });
  if (end - from < headBytes) return damaged(`it says to be ${end - from} bytes long`);
  if (end > bytes.length) return from === 0 ? damaged(`of its ${end} bytes ${bytes.length} came`) : undefined;
  const magic = bytes.readInt8(from + at.magic);
  if (magic !== 2) {
    const detail = `its message format is ${magic}, and 2 is read`;
    return { ok: false, unreadable: { offset, lastOffset: null, reason: 'undecodable', detail } };
  }
  if (crc32c(bytes.subarray(from + at.attributes, end)) !== bytes.readUInt32BE(from + at.crc))
    return damaged('its CRC-32C does not fit its bytes');
  return { ok: true, end, batch: headOf(bytes, from, end) };
}

function headOf(bytes: Buffer, from: number, end: number): RecordBatch {
  const baseOffset = Number(bytes.readBigInt64BE(from));
  const attributes = bytes.readInt16BE(from + at.attributes);
  return {
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(from + at.lastDelta),
    producerId: bytes.readBigInt64BE(from + atProducerId),
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
    appendTimeMs: (attributes & logAppendTimeBit) === 0 ? null : Number(bytes.readBigInt64BE(from + at.maxTimestamp)),
    baseTimestampMs: Number(bytes.readBigInt64BE(from + at.baseTimestamp)),
    codec: attributes & codecBits,
    count: bytes.readInt32BE(from + atCount),
    packed: bytes.subarray(from + headBytes, end),
  };
}

export type DecodedBatch =
  | { readonly ok: true; readonly records: LogRecord[]; readonly bytes: number }
  | { readonly ok: false; readonly unreadable: UnreadableBatch };

/** The records of a batch. Keys, values and headers are views of the fetch's bytes, or of what they were unpacked to. */
export async function decodeBatch(batch: RecordBatch, partition: number): Promise<DecodedBatch> {
  const { baseOffset: offset, lastOffset, codec, count, packed } = batch;
  try {
    if (count > batchRecordsMax) throw new TooLargeError(`it holds ${count} records, more than ${batchRecordsMax}`);
    // A batch that compaction has emptied says its codec still.
    const bytes = codec === 0 || count === 0 ? packed : await decompress(codec, packed, batchBytesMax);
    return { ok: true, records: decodeRecords(bytes, batch, partition), bytes: bytes.length };
  } catch (error) {
    const reason = error instanceof TooLargeError ? 'too_large' : 'undecodable';
    const detail = error instanceof Error ? error.message : String(error);
    return { ok: false, unreadable: { offset, lastOffset, reason, detail } };
  }
}

/** Whether the record of a control batch aborts: its key is a version and a type, of 16 bits each; type 0 aborts. */
export function isAbortMarker(marker: LogRecord | undefined): boolean {
  const key = marker?.key ?? null;
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
}

const noHeaders: LogRecord['headers'] = Object.freeze({});

/**
 * Throws a RangeError unless the records' offsets ascend within the batch's. They are the producer's own, and brokers look at
 * them in compressed batches only; the head's they count against its records. So in a batch that has all of its records, whatever
 * they say, each has the offset of its place.
 */
function decodeRecords(bytes: Buffer, batch: RecordBatch, partition: number): LogRecord[] {
  const { baseOffset, lastOffset, baseTimestampMs, appendTimeMs, count } = batch;
  const isWhole = count === lastOffset - baseOffset + 1;
  let before = baseOffset - 1;
  const reader: ByteReader = { bytes, at: 0 };
  const records: LogRecord[] = [];
  for (let index = 0; index < count; index += 1) {
    const end = readVarint(reader) + reader.at;
    skipBytes(reader, 1); // attributes, unused
    const timestampDeltaMs = readVarint(reader);
    const delta = readVarint(reader);
    const offset = baseOffset + (isWhole ? index : delta);
    if (offset <= before || offset > lastOffset)
      throw new RangeError(`offset ${offset} comes after ${before}, in a batch up to ${lastOffset}`);
    before = offset;
    const key = readVarintBytes(reader);
    const value = readVarintBytes(reader);
    const headerCount = readVarint(reader);
    const headers = headerCount === 0 ? noHeaders : decodeHeaders(reader, headerCount);
    if (reader.at !== end) throw new RangeError(`the record at offset ${offset} has another length than it says`);
    records.push({
      partition,
      offset,
      timestampMs: appendTimeMs ?? baseTimestampMs + timestampDeltaMs,
      key,
      value,
      headers,
    });
  }
  return records;
}

/** Kafka allows a header twice; the last one counts, as in the Java client's `lastHeader`. */
function decodeHeaders(reader: ByteReader, count: number): LogRecord['headers'] {
  // Without a prototype: a header may be called __proto__ or constructor.
  const headers: Record<string, Buffer | undefined> = Object.create(null);
  for (let index = 0; index < count; index += 1) {
    const name = readVarintBytes(reader)?.toString('utf8') ?? '';
    headers[name] = readVarintBytes(reader) ?? undefined;
  }
  return headers;
}
