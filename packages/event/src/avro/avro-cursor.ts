import { utf8Characters } from '../columns/utf8.ts';

/** A place in an Avro body that nobody has checked yet. Each read moves it on or throws an Error that says what is wrong where. */
export interface AvroCursor {
  readonly bytes: Buffer;
  readonly view: DataView;
  at: number;
  /** How deep the value at hand nests. */
  depth: number;
}

/** A record of our own nests four deep; a body that nests deeper than this is an attack on the stack. */
const depthMax = 64;

export function cursorOver(body: Buffer): AvroCursor {
  return { bytes: body, view: new DataView(body.buffer, body.byteOffset, body.length), at: 0, depth: 0 };
}

export function malformed(cursor: AvroCursor, what: string): Error {
  return new Error(`${what} at byte ${cursor.at}`);
}

/** Reads what `read` reads one level deeper. */
export function nested(cursor: AvroCursor, read: () => void): void {
  if (cursor.depth >= depthMax) throw malformed(cursor, `values nest deeper than ${depthMax} levels`);
  cursor.depth += 1;
  read();
  cursor.depth -= 1;
}

/** Passes over `length` bytes and gives where they began. */
export function take(cursor: AvroCursor, length: number): number {
  const from = cursor.at;
  if (length < 0 || length > cursor.bytes.length - from) {
    throw malformed(cursor, `a value of ${length} bytes does not fit into the ${cursor.bytes.length} bytes`);
  }
  cursor.at = from + length;
  return from;
}

/** Half of a zigzag number is kept in two parts, so that 64 bits keep their sign and what is below 2^53 is exact. */
const lowBits = 28;
const varintBytesMax = 10;

/** A long of at most ten bytes; beyond ±2^53 it is only near the value that was written. */
export function readLong(cursor: AvroCursor): number {
  let low = 0;
  let high = 0;
  for (let index = 0; index < varintBytesMax; index += 1) {
    const byte = cursor.view.getUint8(take(cursor, 1));
    if (index < 4) low |= (byte & 0x7f) << (7 * index);
    else high += (byte & 0x7f) * 128 ** (index - 4);
    if (byte >= 0x80) continue;
    if (index === varintBytesMax - 1 && byte > 1) break;
    const half = high * 2 ** (lowBits - 1) + (low >>> 1);
    return (low & 1) === 0 ? half : -half - 1;
  }
  throw malformed(cursor, 'a number has more than 64 bits');
}

/** A long that JavaScript and avsc keep exactly: −2^52 to 2^53 − 2. */
export function readExactLong(cursor: AvroCursor): number {
  const value = readLong(cursor);
  if (value < -(2 ** 52) || value > Number.MAX_SAFE_INTEGER - 1)
    throw malformed(cursor, `the long ${value} is beyond what is kept exactly`);
  return value;
}

export function readInt(cursor: AvroCursor): number {
  const value = readLong(cursor);
  if (value !== (value | 0)) throw malformed(cursor, `the int ${value} has more than 32 bits`);
  return value;
}

/** An index below `count`, of a union's branch or an enum's symbol. */
export function readIndex(cursor: AvroCursor, count: number, what: string): number {
  const index = readLong(cursor);
  if (index < 0 || index >= count) throw malformed(cursor, `the ${what} ${index} is none of ${count}`);
  return index;
}

/** The bytes of a `bytes` or `string`: gives where they begin; the cursor stands behind them. */
export function readBytes(cursor: AvroCursor): number {
  return take(cursor, readLong(cursor));
}

export function readText(cursor: AvroCursor): number {
  const from = readBytes(cursor);
  if (utf8Characters(cursor.view, from, cursor.at - from) < 0) throw malformed(cursor, 'a string is not UTF-8');
  return from;
}

/**
 * The blocks of an array or a map: calls `readItem` for each item and gives their number. A block that names its size must
 * have it. No block may claim more items than bytes are left: every item that we know takes at least one, and a claim of
 * 2^60 items without bytes must not hold the process.
 */
export function readBlocks(cursor: AvroCursor, readItem: () => void): number {
  let items = 0;
  for (;;) {
    const claimed = readLong(cursor);
    if (claimed === 0) return items;
    const size = claimed < 0 ? readLong(cursor) : undefined;
    const count = Math.abs(claimed);
    const from = cursor.at;
    if (count > cursor.bytes.length - from) throw malformed(cursor, `a block claims ${count} items`);
    for (let index = 0; index < count; index += 1) readItem();
    if (size !== undefined && cursor.at !== from + size)
      throw malformed(cursor, `a block of ${cursor.at - from} bytes claims ${size}`);
    items += count;
  }
}
