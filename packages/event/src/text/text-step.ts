import { putByte, type ByteSink } from '../columns/byte-sink.ts';
import { doubt, readLength, readPositiveLong, type Source } from '../columns/source.ts';
import { fixedText, putDecimal, putFixed, putJsonText, putRaw, putString, textAt } from './put-json.ts';

/**
 * Reads a value at `at`, appends it as JSON, or nothing when it stands for an absent one, and gives where the next begins; `doubt` when the slow path has to
 * write the event. For bodies that were checked (event-check.ts): it keeps within its source whatever it reads, and is right of those only.
 */
export type TextStep = (source: Source, at: number, out: ByteSink) => number;

const [quote, comma, colon, objectOpen, objectClose, arrayOpen, arrayClose] = [
  0x22, 0x2c, 0x3a, 0x7b, 0x7d, 0x5b, 0x5d,
] as const;

/** `,"name":` and the value; nothing when the value is absent. */
export function memberStep(name: string, value: TextStep): TextStep {
  const start = fixedText(`,${JSON.stringify(name)}:`);
  return (source, from, out) => {
    const mark = out.length;
    putFixed(out, start);
    const begun = out.length;
    const at = value(source, from, out);
    if (out.length === begun) out.length = mark;
    return at;
  };
}

/** An object of members, absent without any. */
export function objectStep(members: readonly TextStep[]): TextStep {
  return (source, from, out) => {
    const begun = out.length;
    let at = from;
    for (const member of members) {
      at = member(source, at, out);
      if (at < 0) return doubt;
    }
    if (out.length > begun) closeObject(out, begun);
    return at;
  };
}

/** The first member begins with a comma, in place of the brace. */
function closeObject(out: ByteSink, begun: number): void {
  out.buffer[begun] = objectOpen;
  putByte(out, objectClose);
}

/** An empty text is absent. */
export const textStep: TextStep = (source, at, out) => {
  const length = readLength(source, at);
  const from = source.at;
  if (length < 0 || from + length > source.end) return doubt;
  if (length > 0) putJsonText(source, from, length, out);
  return from + length;
};

export function enumStep(symbols: readonly string[]): TextStep {
  const texts = symbols.map((symbol) => fixedText(JSON.stringify(symbol)));
  return (source, at, out) => {
    const text = texts[readLength(source, at)];
    if (text === undefined) return doubt;
    putFixed(out, text);
    return source.at;
  };
}

/** Zero is absent. */
export const countStep: TextStep = (source, at, out) => {
  const value = readPositiveLong(source, at);
  if (value < 0) return doubt;
  if (value > 0) putDecimal(out, value);
  return source.at;
};

const nullBranch = 0;
const valueBranch = 2;

/** Null is absent. */
export function optionalStep(value: TextStep): TextStep {
  return (source, at, out) => {
    const branch = at < source.end ? source.view.getUint8(at) : doubt;
    if (branch === valueBranch) return value(source, at + 1, out);
    return branch === nullBranch ? at + 1 : doubt;
  };
}

/** An array of items none of which is absent; absent itself when it is empty. */
export function listStep(item: TextStep): TextStep {
  return (source, from, out) => {
    const count = readLength(source, from);
    if (count <= 0) return count < 0 ? doubt : source.at;
    let at = source.at;
    putByte(out, arrayOpen);
    for (let index = 0; index < count; index += 1) {
      if (index > 0) putByte(out, comma);
      const begun = out.length;
      at = item(source, at, out);
      if (at < 0 || out.length === begun) return doubt;
    }
    putByte(out, arrayClose);
    return endOfBlocks(source, at);
  };
}

/** The zero behind the one block. */
function endOfBlocks({ view, end }: Source, at: number): number {
  return at < end && view.getUint8(at) === 0 ? at + 1 : doubt;
}

/** Metadata: its keys need no escapes. Those that are numbers come first in an object of JavaScript, so that the slow path has to write them. */
export const mapStep: TextStep = (source, from, out) => {
  const count = readLength(source, from);
  if (count <= 0) return count < 0 ? doubt : source.at;
  let at = source.at;
  for (let index = 0; index < count; index += 1) {
    const length = readLength(source, at);
    const keyAt = source.at;
    if (length <= 0 || keyAt + length > source.end || isNumber(source.view, keyAt, keyAt + length)) return doubt;
    putByte(out, index === 0 ? objectOpen : comma);
    putByte(out, quote);
    putRaw(source, keyAt, length, out);
    putByte(out, quote);
    putByte(out, colon);
    const valueLength = readLength(source, keyAt + length);
    const valueAt = source.at;
    if (valueLength < 0 || valueAt + valueLength > source.end) return doubt;
    putJsonText(source, valueAt, valueLength, out);
    at = valueAt + valueLength;
  }
  putByte(out, objectClose);
  return endOfBlocks(source, at);
};

function isNumber(view: DataView, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (!isDigit(view.getUint8(at))) return false;
  return true;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** A side of a change: JSON text, as JavaScript writes the value that it holds. */
export const jsonStep: TextStep = (source, at, out) => {
  const length = readLength(source, at);
  const from = source.at;
  if (length <= 0 || from + length > source.end) return doubt;
  if (isAsWritten(source.view, from, from + length)) putRaw(source, from, length, out);
  else putString(out, JSON.stringify(JSON.parse(textAt(source, from, length))));
  return from + length;
};

const backslash = 0x5c;
/** Below 2^53. */
const wholeDigitsMax = 15;

/**
 * Whether JSON text certainly is what JavaScript writes of it: no escapes, no space between its parts, no numbers but short whole ones, and no objects,
 * whose keys may be written in another order.
 */
function isAsWritten(view: DataView, from: number, to: number): boolean {
  let digits = 0;
  let isInText = false;
  for (let at = from; at < to; at += 1) {
    const byte = view.getUint8(at);
    digits = !isInText && isDigit(byte) ? digits + 1 : 0;
    if (byte === backslash || digits > wholeDigitsMax) return false;
    if (byte === quote) isInText = !isInText;
    else if (
      !isInText &&
      digits === 0 &&
      byte !== comma &&
      byte !== arrayOpen &&
      byte !== arrayClose &&
      !isLetter(byte)
    )
      return false;
  }
  return true;
}

const isLetter = (byte: number): boolean => byte >= 0x61 && byte <= 0x7a;
