import { reserve, type ByteSink } from '../columns/byte-sink.ts';
import type { Source } from '../columns/source.ts';

const quote = 0x22;
/** Two quotes, and what the last word of a copy may reach beyond its value. */
const slackBytes = 8;
const highBits = 0x80808080 | 0;
const lowBits = 0x01010101;
const spaces = 0x20202020;
const quotes = 0x22222222;
const backslashes = 0x5c5c5c5c;

/** Highest bits of its bytes: not zero when one of the four has to be escaped in JSON (RFC 8259 §7): a control, a quote, a backslash. */
function escapesIn(word: number): number {
  const quoted = word ^ quotes;
  const escaped = word ^ backslashes;
  return (((word - spaces) & ~word) | ((quoted - lowBits) & ~quoted) | ((escaped - lowBits) & ~escaped)) & highBits;
}

/**
 * Appends a range of the source as JSON.stringify writes it, if it is well-formed UTF-8. Gives bits 0x80808080 unless all are ASCII. The range is inside the
 * source.
 */
export function putJsonText(source: Source, from: number, length: number, sink: ByteSink): number {
  reserve(sink, length + slackBytes);
  const { view } = source;
  const target = sink.view;
  let to = sink.length;
  target.setUint8(to++, quote);
  let at = from;
  let escapes = 0;
  let bits = 0;
  for (const wordsEnd = from + (length & ~3); at < wordsEnd; at += 4, to += 4) {
    const word = view.getInt32(at, true);
    escapes |= escapesIn(word);
    bits |= word;
    target.setInt32(to, word, true);
  }
  for (const end = from + length; at < end; at += 1, to += 1) {
    const byte = view.getUint8(at);
    escapes |= escapesIn(byte | (spaces & ~0xff));
    bits |= byte;
    target.setUint8(to, byte);
  }
  if (escapes === 0) {
    target.setUint8(to, quote);
    sink.length = to + 1;
  } else {
    putString(sink, JSON.stringify(textAt(source, from, length)));
  }
  return bits & highBits;
}

/** The text of a range that is well-formed UTF-8. */
export function textAt({ bytes }: Source, from: number, length: number): string {
  return Buffer.from(bytes.buffer, from, length).toString('utf8');
}

/** Appends a text as UTF-8. */
export function putString(sink: ByteSink, text: string): void {
  reserve(sink, text.length * 3);
  sink.length += sink.buffer.write(text, sink.length);
}

/** Appends a range of the source as it is: few bytes, which are faster one by one. */
export function putRaw({ view }: Source, from: number, length: number, sink: ByteSink): void {
  reserve(sink, length);
  const target = sink.view;
  const to = sink.length;
  for (let index = 0; index < length; index += 1) target.setUint8(to + index, view.getUint8(from + index));
  sink.length = to + length;
}

/** A text that is written again and again, in whole words. */
export interface Fixed {
  readonly words: DataView;
  readonly length: number;
}

export function fixedText(text: string): Fixed {
  const bytes = Buffer.from(text);
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return { words: new DataView(padded.buffer), length: bytes.length };
}

export function putFixed(sink: ByteSink, { words, length }: Fixed): void {
  reserve(sink, words.byteLength);
  const target = sink.view;
  const to = sink.length;
  for (let at = 0; at < length; at += 4) target.setInt32(to + at, words.getInt32(at, true), true);
  sink.length = to + length;
}

const digitZero = 0x30;
const smallNumbers = 1_000_000_000;
const digits = new Uint8Array(10);

/** Appends a whole number that is not negative, in decimal. */
export function putDecimal(sink: ByteSink, value: number): void {
  if (value >= smallNumbers) return putString(sink, String(value));
  let rest = value | 0;
  let count = 0;
  do {
    const tenth = (rest / 10) | 0;
    digits[count++] = digitZero + rest - tenth * 10;
    rest = tenth;
  } while (rest > 0);
  reserve(sink, count);
  const { buffer } = sink;
  while (count > 0) buffer[sink.length++] = digits[--count] ?? digitZero;
}
