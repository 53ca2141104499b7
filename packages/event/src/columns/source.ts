/**
 * The Avro body that is being read, as a range of a larger buffer, with what its record brings along. One object, reused
 * for every record: nothing is allocated on the fast path.
 */
export interface Source {
  /** Of the whole buffer under the body. */
  view: DataView;
  bytes: Uint8Array;
  /** Where the body ends. */
  end: number;
  /** Where the buffer ends: words may be loaded up to here. */
  limit: number;
  /** Where the last length that was read ended. */
  at: number;
  /** The record's log, which the event's tenant_id must be. */
  log: Uint8Array;
  arrivalMs: number;
  /** The bytes that the content hash covers; set by the steps. */
  contentFrom: number;
  contentTo: number;
}

/**
 * Reads a field at `at`, appends it to its columns, and gives where the next field begins: or `doubt`, when the value is
 * damaged, over a limit, not in canonical form, or anything else than what nearly all events hold. The slow path then decides.
 */
export type Step = (source: Source, at: number) => number;

export const doubt = -1;

export function createSource(): Source {
  const bytes = new Uint8Array(8);
  return {
    view: new DataView(bytes.buffer),
    bytes,
    end: 0,
    limit: 0,
    at: 0,
    log: bytes,
    arrivalMs: 0,
    contentFrom: 0,
    contentTo: 0,
  };
}

/** Points the source at a body; gives where it begins. Neighbours in one fetch share their buffer and so its views. */
export function pointAt(source: Source, body: Uint8Array, from: number): number {
  if (source.view.buffer !== body.buffer) {
    source.view = new DataView(body.buffer);
    source.bytes = new Uint8Array(body.buffer);
    source.limit = body.buffer.byteLength;
  }
  source.end = body.byteOffset + body.byteLength;
  return body.byteOffset + from;
}

/** A length or count in its shortest form; `source.at` is then behind it. `doubt` when there is none from 0 to 2^20. */
export function readLength(source: Source, at: number): number {
  if (at >= source.end) return doubt;
  const first = source.view.getUint8(at);
  source.at = at + 1;
  if (first < 0x80) return (first & 1) === 0 ? first >>> 1 : doubt;
  return readLongLength(source, at, first);
}

function readLongLength(source: Source, at: number, first: number): number {
  if (at + 3 > source.end) return doubt;
  const second = source.view.getUint8(at + 1);
  const third = second < 0x80 ? 0 : source.view.getUint8(at + 2);
  const last = second < 0x80 ? second : third;
  const zigzag = (first & 0x7f) | ((second & 0x7f) << 7) | (third << 14);
  source.at = at + (second < 0x80 ? 2 : 3);
  return last === 0 || last >= 0x80 || (zigzag & 1) === 1 ? doubt : zigzag >>> 1;
}

/** A long from 0 to 2^52 in its shortest form, as all real times and counters are; `source.at` is then behind it. Otherwise `doubt`. */
export function readPositiveLong(source: Source, at: number): number {
  let zigzag = 0;
  let scale = 1;
  for (let next = at; next < source.end && next < at + 8; next += 1) {
    const byte = source.view.getUint8(next);
    zigzag += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    source.at = next + 1;
    const isShortest = byte !== 0 || next === at;
    // Below 2^53 the sum is exact, so that its lowest bit is the sign.
    return isShortest && zigzag < 2 ** 53 && zigzag % 2 === 0 ? zigzag / 2 : doubt;
  }
  return doubt;
}
