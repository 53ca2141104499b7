import { readBytes, readInt16, readInt32, readInt64, readInt8, readVarint, readVarintBytes } from './byte-reader.ts';
import type { ByteReader } from './byte-reader.ts';
import { decompress } from './decompress.ts';

/** A record batch of message format 2 (KIP-98), as the log holds it. */
export interface RecordBatch {
  readonly baseOffset: bigint;
  /** Of the batch as it was written: compaction may have taken the records up to it. */
  readonly lastOffset: bigint;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** Holds a transaction's marker instead of data. */
  readonly isControl: boolean;
  readonly records: readonly FetchedRecord[];
}

/** A record in the shape in which kafkajs hands it on. */
export interface FetchedRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | null | (Buffer | null)[]>>;
}

const codecBits = 0x07;
const logAppendTimeBit = 0x08;
const transactionalBit = 0x10;
const controlBit = 0x20;
/** Base offset and length stand before what the length counts. */
const prefixBytes = 12;

/**
 * The whole batches of a fetched record set, in offset order; a cut-off last one is left for the next fetch. Rejects, naming the
 * offset, for a batch that cannot be read. CRCs are not checked.
 */
export async function decodeRecordBatches(bytes: Buffer): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + prefixBytes <= bytes.length;) {
    const end = at + prefixBytes + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    const baseOffset = bytes.readBigInt64BE(at);
    try {
      batches.push(await decodeBatch({ bytes: bytes.subarray(0, end), at: at + prefixBytes }, baseOffset));
    } catch (error) {
      throw new Error(`the record batch at offset ${baseOffset} cannot be read`, { cause: error });
    }
    at = end;
  }
  return batches;
}

async function decodeBatch(reader: ByteReader, baseOffset: bigint): Promise<RecordBatch> {
  readInt32(reader); // the leader's epoch
  const magic = readInt8(reader);
  if (magic !== 2) throw new Error(`its message format is ${magic}; Kafka 4 writes 2`);
  readInt32(reader); // CRC-32C
  const attributes = readInt16(reader);
  const lastOffset = baseOffset + BigInt(readInt32(reader));
  const baseTimestamp = Number(readInt64(reader));
  const maxTimestamp = readInt64(reader);
  const producerId = readInt64(reader);
  readInt16(reader); // the producer's epoch
  readInt32(reader); // its sequence
  const count = readInt32(reader);
  const packed = readBytes(reader, reader.bytes.length - reader.at);
  const unpacked = count === 0 ? packed : await decompress(attributes & codecBits, packed);
  const appendTime = (attributes & logAppendTimeBit) === 0 ? null : String(maxTimestamp);
  const records: FetchedRecord[] = [];
  const body = { bytes: unpacked, at: 0 };
  for (let index = 0; index < count; index += 1) {
    records.push(decodeRecord(body, Number(baseOffset), baseTimestamp, appendTime));
  }
  return {
    baseOffset,
    lastOffset,
    producerId,
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
    records,
  };
}

function decodeRecord(
  reader: ByteReader,
  baseOffset: number,
  baseTimestamp: number,
  appendTime: string | null,
): FetchedRecord {
  const end = readVarint(reader) + reader.at;
  readInt8(reader); // attributes, unused
  const timestamp = baseTimestamp + readVarint(reader);
  const offset = baseOffset + readVarint(reader);
  const key = readVarintBytes(reader);
  const value = readVarintBytes(reader);
  const headers = decodeHeaders(reader);
  if (reader.at !== end) throw new RangeError(`the record at offset ${offset} has another length than it says`);
  return { offset: String(offset), timestamp: appendTime ?? String(timestamp), key, value, headers };
}

const noHeaders: FetchedRecord['headers'] = Object.freeze({});

function decodeHeaders(reader: ByteReader): FetchedRecord['headers'] {
  const count = readVarint(reader);
  if (count === 0) return noHeaders;
  // Without a prototype: a header may be called __proto__ or constructor.
  const headers: Record<string, Buffer | null | (Buffer | null)[]> = Object.create(null);
  for (let index = 0; index < count; index += 1) {
    const name = (readVarintBytes(reader) ?? '').toString('utf8');
    const value = readVarintBytes(reader);
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (Array.isArray(known)) known.push(value);
    else headers[name] = [known, value];
  }
  return headers;
}
