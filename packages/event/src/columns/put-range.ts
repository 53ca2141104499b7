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
  const to = putLength(sink, length);
  const { view } = source;
  const target = sink.view;
  const wordsEnd = length & ~3;
  let bits = 0;
  for (let index = 0; index < wordsEnd; index += 4) {
    const word = view.getInt32(from + index, true);
    bits |= word;
    target.setInt32(to + index, word, true);
  }
  if (wordsEnd < length) bits |= putRest(source, from + wordsEnd, length - wordsEnd, target, to + wordsEnd);
  sink.length = to + length;
  return bits & 0x80808080;
}

/** The 1 to 3 bytes behind the last whole word. */
function putRest(source: Source, from: number, length: number, target: DataView, to: number): number {
  const { view } = source;
  if (from + 4 <= source.limit) {
    const word = view.getInt32(from, true);
    target.setInt32(to, word, true);
    return word & ((1 << (8 * length)) - 1);
  }
  let bits = 0;
  for (let index = 0; index < length; index += 1) {
    const byte = view.getUint8(from + index);
    bits |= byte;
    target.setUint8(to + index, byte);
  }
  return bits;
}

/** Writes a LEB128 length, whose bytes are reserved; gives where the value begins. */
function putLength(sink: ByteSink, length: number): number {
  const { view } = sink;
  let at = sink.length;
  let rest = length;
  while (rest >= 0x80) {
    view.setUint8(at++, (rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  view.setUint8(at++, rest);
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
