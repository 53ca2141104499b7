import { reserve, type ByteSink } from './byte-sink.ts';
import { doubt, readLength, type Source } from './source.ts';
import { utf8Characters } from './utf8.ts';

/** A length takes at most 4 bytes here, and the last word of a copy may reach 3 bytes beyond its value. */
const slackBytes = 8;

/**
 * Appends a range of the source to a String column: its length, then its bytes, copied as words. Gives bits 0x80808080
 * unless all are ASCII. The range is inside the source.
 */
export function putRange(source: Source, from: number, length: number, sink: ByteSink): number {
  reserve(sink, length + slackBytes);
  const { view } = source;
  const target = sink.view;
  let to = sink.length;
  if (length < 0x80) target.setUint8(to++, length);
  else to = putLongLength(target, to, length);
  sink.length = to + length;
  let at = from;
  let bits = 0;
  for (const wordsEnd = from + (length & ~3); at < wordsEnd; at += 4, to += 4) {
    const word = view.getInt32(at, true);
    bits |= word;
    target.setInt32(to, word, true);
  }
  const rest = length & 3;
  if (rest === 0) return bits & 0x80808080;
  if (at + 4 > source.limit) return (bits | putRest(view, at, rest, target, to)) & 0x80808080;
  const word = view.getInt32(at, true);
  target.setInt32(to, word, true);
  return (bits | (word & ((1 << (8 * rest)) - 1))) & 0x80808080;
}

/** The last bytes of the buffer, where no whole word is left. */
function putRest(view: DataView, from: number, length: number, target: DataView, to: number): number {
  let bits = 0;
  for (let index = 0; index < length; index += 1) {
    const byte = view.getUint8(from + index);
    bits |= byte;
    target.setUint8(to + index, byte);
  }
  return bits;
}

/** Writes a LEB128 length, whose bytes are reserved; gives where the value begins. */
function putLongLength(target: DataView, from: number, length: number): number {
  let at = from;
  let rest = length;
  while (rest >= 0x80) {
    target.setUint8(at++, (rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  target.setUint8(at++, rest);
  return at;
}

export interface TextLimits {
  readonly charactersMin: number;
  readonly charactersMax: number;
  readonly bytesMax: number;
}

/** Reads a text within its limits and appends it. Characters are only counted when the bytes could be too many. */
export function putText(source: Source, at: number, sink: ByteSink, limits: TextLimits): number {
  const length = readLength(source, at);
  const from = source.at;
  if (length < limits.charactersMin || length > limits.bytesMax || from + length > source.end) return doubt;
  const isAscii = putRange(source, from, length, sink) === 0;
  const characters = isAscii ? length : utf8Characters(source.view, from, length);
  return characters < 0 || characters > limits.charactersMax ? doubt : from + length;
}
