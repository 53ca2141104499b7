/** Containers nest at most this deep: the kinds of the open ones fit into one number. */
const depthMax = 32;

const quote = 0x22;
const minus = 0x2d;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const arrayOpen = 0x5b;
const arrayClose = 0x5d;
const objectOpen = 0x7b;
const objectClose = 0x7d;

const literals: readonly Uint8Array[] = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/**
 * Whether well-formed UTF-8 is one JSON text (RFC 8259) that nests at most 32 deep and whose numbers JavaScript keeps: then
 * its canonical form is not longer than it is. False may also mean that this cannot tell.
 */
export function isJsonText(view: DataView, from: number, to: number): boolean {
  /** Bit n: whether the container at depth n is an object. */
  let kinds = 0;
  let depth = 0;
  let at = from;
  for (;;) {
    at = skipSpace(view, at, to);
    const opening = byteAt(view, at, to);
    if (opening === arrayOpen || opening === objectOpen) {
      if (depth === depthMax) return false;
      const isObject = opening === objectOpen;
      kinds = isObject ? kinds | (1 << depth) : kinds & ~(1 << depth);
      depth += 1;
      at = skipSpace(view, at + 1, to);
      const isEmpty = byteAt(view, at, to) === (isObject ? objectClose : arrayClose);
      if (!isEmpty) {
        if (isObject) at = skipKey(view, at, to);
        if (at < 0) return false;
        continue;
      }
    } else {
      at = skipScalar(view, at, to);
      if (at < 0) return false;
      if (depth === 0) return skipSpace(view, at, to) === to;
    }
    // Behind a value inside a container, or before the end of an empty one.
    for (;;) {
      at = skipSpace(view, at, to);
      const isObject = (kinds & (1 << (depth - 1))) !== 0;
      const next = byteAt(view, at, to);
      if (next === comma) {
        at = skipSpace(view, at + 1, to);
        if (isObject) at = skipKey(view, at, to);
        if (at < 0) return false;
        break;
      }
      if (next !== (isObject ? objectClose : arrayClose)) return false;
      at += 1;
      depth -= 1;
      if (depth === 0) return skipSpace(view, at, to) === to;
    }
  }
}

/** −1 at the end. */
function byteAt(view: DataView, at: number, to: number): number {
  return at < to ? view.getUint8(at) : -1;
}

function skipSpace(view: DataView, from: number, to: number): number {
  let at = from;
  for (; at < to; at += 1) {
    const byte = view.getUint8(at);
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return at;
}

/** Each of these gives where what it passes over ends, or −1. */
function skipKey(view: DataView, from: number, to: number): number {
  if (byteAt(view, from, to) !== quote) return -1;
  const end = skipString(view, from, to);
  if (end < 0) return -1;
  const at = skipSpace(view, end, to);
  return byteAt(view, at, to) === colon ? at + 1 : -1;
}

function skipScalar(view: DataView, from: number, to: number): number {
  const byte = byteAt(view, from, to);
  if (byte === quote) return skipString(view, from, to);
  if (byte === minus || isDigit(byte)) return skipNumber(view, from, to);
  for (const literal of literals) if (startsWith(view, from, to, literal)) return from + literal.length;
  return -1;
}

function startsWith(view: DataView, from: number, to: number, word: Uint8Array): boolean {
  if (from + word.length > to) return false;
  for (let index = 0; index < word.length; index += 1) {
    if (view.getUint8(from + index) !== word[index]) return false;
  }
  return true;
}

const escapes = new Set(Buffer.from('"\\/bfnrt'));
const unicodeEscape = 0x75;

function skipString(view: DataView, from: number, to: number): number {
  for (let at = from + 1; at < to; at += 1) {
    const byte = view.getUint8(at);
    if (byte === quote) return at + 1;
    if (byte < 0x20) return -1;
    if (byte !== backslash) continue;
    at += 1;
    const escaped = byteAt(view, at, to);
    if (escaped === unicodeEscape) {
      for (const end = at + 4; at < end; at += 1) if (!isHexDigit(byteAt(view, at + 1, to))) return -1;
    } else if (!escapes.has(escaped)) {
      return -1;
    }
  }
  return -1;
}

/** Whole numbers of this length are below 2^53. */
const wholeDigitsMax = 15;
const letterE = 0x65;

/** A number without an exponent: 1e20 is longer in canonical form, and 1e400 is none. */
function skipNumber(view: DataView, from: number, to: number): number {
  let at = byteAt(view, from, to) === minus ? from + 1 : from;
  const first = byteAt(view, at, to);
  if (!isDigit(first)) return -1;
  const whole = at;
  at = first === 0x30 ? at + 1 : skipDigits(view, at, to);
  if (at - whole > wholeDigitsMax) return -1;
  if (byteAt(view, at, to) === 0x2e) {
    const fraction = at + 1;
    at = skipDigits(view, fraction, to);
    if (at === fraction) return -1;
  }
  return (byteAt(view, at, to) | 0x20) === letterE ? -1 : at;
}

function skipDigits(view: DataView, from: number, to: number): number {
  let at = from;
  while (isDigit(byteAt(view, at, to))) at += 1;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
