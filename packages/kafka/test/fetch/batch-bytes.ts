import { crc32c } from '@node-rs/crc32';

/** A record as the tests write it. */
export interface WrittenRecord {
  /** Relative to the batch; default: its place. */
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly (readonly [string, Buffer | null])[];
}

export interface WrittenBatch {
  readonly baseOffset: bigint;
  readonly records: readonly WrittenRecord[];
  /** Default: that of the last record. */
  readonly lastDelta?: number;
  readonly attributes?: number;
  /** How the records are packed; `attributes` has to say so. */
  readonly pack?: (records: Buffer) => Buffer;
  readonly producerId?: bigint;
  /** What the head says; default: as many as there are. */
  readonly count?: number;
}

export const empty = (count: number): WrittenRecord[] => Array.from({ length: count }, () => ({}));

/** A batch of message format 2 as a producer writes it, with its checksum. Its times are 1000 and, at most, 2000. */
export function batchBytes(written: WrittenBatch): Buffer {
  const { baseOffset, records, attributes = 0, pack = (bytes) => bytes, producerId = 7n } = written;
  const body = pack(Buffer.concat(records.map(recordBytes)));
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(baseOffset, 0);
  head.writeInt32BE(61 - 12 + body.length, 8);
  head.writeInt8(2, 16);
  head.writeInt16BE(attributes, 21);
  head.writeInt32BE(written.lastDelta ?? records.length - 1, 23);
  head.writeBigInt64BE(1000n, 27);
  head.writeBigInt64BE(2000n, 35);
  head.writeBigInt64BE(producerId, 43);
  head.writeInt32BE(written.count ?? records.length, 57);
  const bytes = Buffer.concat([head, body]);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

function recordBytes(record: WrittenRecord, index: number): Buffer {
  const { offsetDelta = index, timestampDelta = 0, key = null, value = null, headers = [] } = record;
  const inner = Buffer.concat([
    Buffer.from([0]),
    varint(timestampDelta),
    varint(offsetDelta),
    ofLength(key),
    ofLength(value),
    varint(headers.length),
    ...headers.flatMap(([name, bytes]) => [ofLength(Buffer.from(name)), ofLength(bytes)]),
  ]);
  return Buffer.concat([varint(inner.length), inner]);
}

function ofLength(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  return Buffer.from([...bytes, left]);
}

export interface WrittenPartition {
  readonly partition: number;
  readonly recordSet: Buffer;
  readonly aborted?: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
}

/** A broker's answer to a Fetch of version 11, of one topic. */
export function answerBytes(topicName: string, partitions: readonly WrittenPartition[]): Buffer {
  return Buffer.concat([
    int32(0),
    int16(0),
    int32(0),
    int32(1),
    int16(topicName.length),
    Buffer.from(topicName),
    int32(partitions.length),
    ...partitions.flatMap(({ partition, recordSet, aborted = [] }) => [
      int32(partition),
      int16(0),
      int64(1_000_000n),
      int64(1_000_000n),
      int64(0n),
      int32(aborted.length),
      ...aborted.flatMap(({ producerId, firstOffset }) => [int64(producerId), int64(firstOffset)]),
      int32(-1),
      int32(recordSet.length),
      recordSet,
    ]),
  ]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
