import { isAscii, isUtf8 } from 'node:buffer';

import { DocketError } from '../errors/docket-error.ts';
import { positionOfRepeatedKey } from './repeated-key.ts';

/** No honest document nests deeper, and whatever walks a parsed document may recurse. */
export const jsonDepthMax = 128;
/** Members of one object or items of one array. A change's value of 8 KiB has at most half as many; a table of a million keys blocks for a second. */
export const jsonMembersMax = 10_000;
/** Members and items of a whole document: of 1,000 events each may have 250. More of them become many times the bytes that they were sent in. */
export const jsonValuesMax = 250_000;

/**
 * Parses one JSON document in UTF-8, with unique keys in each object (RFC 8259 §4 leaves to chance which of two counts; an audit log must not). Throws
 * invalid_json; the message says where, and never repeats the body.
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new DocketError('invalid_json', 'The body is empty.');
  const shape = shapeOf(bytes);
  if (typeof shape === 'string') throw new DocketError('invalid_json', `The body ${shape}.`);
  if (!isUtf8(bytes)) throw new DocketError('invalid_json', 'The body is not valid UTF-8.');
  const text = textOf(bytes);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    const position = cause instanceof Error ? /at position (\d+)/.exec(cause.message)?.[1] : undefined;
    const where = position === undefined ? '' : ` (at character ${position})`;
    throw new DocketError('invalid_json', `The body is not a JSON document${where}.`, { cause });
  }
  if (countKeys(parsed) !== shape.keys) {
    throw new DocketError('invalid_json', `The body has a key twice (at character ${positionOfRepeatedKey(text)}).`);
  }
  return parsed;
}

/** Of valid UTF-8. A byte order mark at the beginning is no part of the text (RFC 8259 §8.1 lets a parser ignore it). */
function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A text of single bytes is parsed faster and takes half the memory.
  const text = isAscii(bytes) ? buffer.toString('latin1') : buffer.toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;

/**
 * Counts keys, or says what is too much, before anything is allocated for it. Of a document that is not JSON the counts may be wrong; the parser refuses
 * it afterwards.
 */
function shapeOf(bytes: Uint8Array): { readonly keys: number } | string {
  const commas = new Uint32Array(jsonDepthMax + 1);
  let depth = 0;
  let keys = 0;
  let values = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === backslash) at += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === colon) keys += 1;
    else if (byte === comma) {
      const seen = (commas[depth] ?? 0) + 1;
      if (seen >= jsonMembersMax) return `has an object or array of more than ${jsonMembersMax} members`;
      commas[depth] = seen;
      values += 1;
      if (values >= jsonValuesMax) return `has more than ${jsonValuesMax} members and items`;
    } else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > jsonDepthMax) return `nests deeper than ${jsonDepthMax} levels`;
      values += 1;
      commas[depth] = 0;
    } else if (byte === 0x5d || byte === 0x7d) depth = Math.max(0, depth - 1);
  }
  return { keys };
}

/** Of two equal keys JSON.parse keeps one, so a document with fewer than were written has repeated ones. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const isObject = !Array.isArray(value);
  const members: readonly unknown[] = isObject ? Object.values(value) : value;
  let count = isObject ? members.length : 0;
  for (const member of members) {
    // Most members are scalars: no call for those.
    if (typeof member === 'object' && member !== null) count += countKeys(member);
  }
  return count;
}
