import type { BytePattern } from '../columns/byte-patterns.ts';
import { putByte, type ByteSink } from '../columns/byte-sink.ts';
import { isJsonText } from '../columns/json-text.ts';
import { isAscending, type MapLimits } from '../columns/list-step.ts';
import type { TextLimits } from '../columns/put-range.ts';
import { doubt, readLength, readPositiveLong, type Source } from '../columns/source.ts';
import { utf8Characters } from '../columns/utf8.ts';
import { fixedText, putDecimal, putFixed, putJsonText, putRaw, putString, textAt } from './put-json.ts';

/**
 * Reads a value at `at`, appends it as JSON, or nothing when it stands for an absent one, and gives where the next begins; `doubt` where the steps of
 * event-steps.ts doubt, and when the slow path has to write the event.
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
export function textStep(limits: TextLimits): TextStep {
  return (source, at, out) => {
    const length = readLength(source, at);
    return length === 0 && limits.charactersMin === 0 ? source.at : putWithin(source, length, limits, out);
  };
}

/** Appends the text of this length at `source.at` if it is within its limits. Characters are only counted when the bytes could be too many. */
function putWithin(source: Source, length: number, limits: TextLimits, out: ByteSink): number {
  const from = source.at;
  if (length < limits.charactersMin || length > limits.bytesMax || from + length > source.end) return doubt;
  const isAscii = putJsonText(source, from, length, out) === 0;
  const characters = isAscii ? length : utf8Characters(source.view, from, length);
  return characters < 0 || characters > limits.charactersMax ? doubt : from + length;
}

/** A text that has to pass `isRight`, too; ASCII only. An empty one is absent. */
export function asciiStep(bytesMax: number, isRight: BytePattern): TextStep {
  return (source, at, out) => {
    const length = readLength(source, at);
    const from = source.at;
    const to = from + length;
    if (length < 0 || length > bytesMax || to > source.end || !isRight(source.view, from, to)) return doubt;
    return length === 0 || putJsonText(source, from, length, out) === 0 ? to : doubt;
  };
}

/** Of a field that is never shown, but has to be right. */
export function hiddenStep(value: TextStep): TextStep {
  return (source, from, out) => {
    const mark = out.length;
    const at = value(source, from, out);
    out.length = mark;
    return at;
  };
}

export function fixedStep(size: number): TextStep {
  return (source, at) => (at + size <= source.end ? at + size : doubt);
}

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
export function listStep(itemsMax: number, item: TextStep): TextStep {
  return (source, from, out) => {
    const count = readLength(source, from);
    if (count <= 0 || count > itemsMax) return count === 0 ? source.at : doubt;
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

/** Metadata. Keys that are numbers come first in an object of JavaScript, so that the slow path has to write them; none needs escapes. */
export function mapStep({ entriesMax, key, value }: MapLimits): TextStep {
  return (source, from, out) => {
    const count = readLength(source, from);
    if (count <= 0 || count > entriesMax) return count === 0 ? source.at : doubt;
    const { view } = source;
    let at = source.at;
    let keyFrom = 0;
    let keyTo = 0;
    for (let index = 0; index < count; index += 1) {
      const length = readLength(source, at);
      const next = source.at;
      const nextTo = next + length;
      if (length < 0 || nextTo > source.end || !key(view, next, nextTo) || isNumber(view, next, nextTo)) return doubt;
      if (!isAscending(view, keyFrom, keyTo, next, nextTo)) return doubt;
      keyFrom = next;
      keyTo = nextTo;
      putByte(out, index === 0 ? objectOpen : comma);
      putByte(out, quote);
      putRaw(source, keyFrom, length, out);
      putByte(out, quote);
      putByte(out, colon);
      at = putWithin(source, readLength(source, keyTo), value, out);
      if (at < 0) return doubt;
    }
    putByte(out, objectClose);
    return endOfBlocks(source, at);
  };
}

function isNumber(view: DataView, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (!isDigit(view.getUint8(at))) return false;
  return true;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** A side of a change: JSON text of at most `bytesMax` bytes, as JavaScript writes the value that it holds. */
export function jsonStep(bytesMax: number): TextStep {
  return (source, at, out) => {
    const length = readLength(source, at);
    const from = source.at;
    const to = from + length;
    if (length < 1 || length > bytesMax || to > source.end) return doubt;
    if (utf8Characters(source.view, from, length) < 0 || !isJsonText(source.view, from, to)) return doubt;
    if (isAsWritten(source.view, from, to)) putRaw(source, from, length, out);
    else putString(out, JSON.stringify(JSON.parse(textAt(source, from, length))));
    return to;
  };
}

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
