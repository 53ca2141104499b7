/** Thrown where a fast path ends: whatever it is, somebody else has to read it from its beginning. Made once: a trace of its stack helps nobody. */
export const uncertain = new Error('not certainly a plain event');

/** Stands in a JSON text in UTF-8, behind what was read of it. A plain object and free functions: its readers stay monomorphic. */
export interface JsonScanner {
  bytes: Buffer;
  view: DataView;
  at: number;
  /** Members and items begun so far, as `parseJson` counts them: whoever limits it has to look. */
  values: number;
  /** The text that was read last: where it begins and ends, without its quotes. */
  textFrom: number;
  textTo: number;
}

export function createJsonScanner(): JsonScanner {
  const bytes = Buffer.alloc(0);
  return { bytes, view: viewOf(bytes), at: 0, values: 0, textFrom: 0, textTo: 0 };
}

/** @param bytes valid UTF-8 */
export function beginScan(scanner: JsonScanner, bytes: Buffer): void {
  scanner.bytes = bytes;
  scanner.view = viewOf(bytes);
  scanner.at = 0;
  scanner.values = 0;
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

export const quote = 0x22;
export const comma = 0x2c;
export const colon = 0x3a;
export const openArray = 0x5b;
export const closeArray = 0x5d;
export const openObject = 0x7b;
export const closeObject = 0x7d;
const backslash = 0x5c;

/** The byte behind white space; 0, which no JSON has there, at the end. */
export function peekByte(scanner: JsonScanner): number {
  const { bytes } = scanner;
  let { at } = scanner;
  let byte = bytes[at];
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
    at += 1;
    byte = bytes[at];
  }
  scanner.at = at;
  return byte ?? 0;
}

/** Goes past white space and one byte, which must be this. */
export function expectByte(scanner: JsonScanner, byte: number): void {
  if (peekByte(scanner) !== byte) throw uncertain;
  scanner.at += 1;
}

/**
 * Goes on to the next member of an object or item of an array: true, or past its end: false. The comma before a member is read; the first has none.
 * @param index how many there were before
 */
export function hasNext(scanner: JsonScanner, index: number, close: number): boolean {
  const byte = peekByte(scanner);
  if (byte === close) {
    scanner.at += 1;
    return false;
  }
  if (index > 0) {
    if (byte !== comma) throw uncertain;
    scanner.at += 1;
    scanner.values += 1;
  }
  return true;
}

/** Goes past the beginning of an object or array. */
export function openValue(scanner: JsonScanner, open: number): void {
  expectByte(scanner, open);
  scanner.values += 1;
}

/** Reads a string without escapes: what it holds are its bytes. */
export function scanText(scanner: JsonScanner): void {
  expectByte(scanner, quote);
  const { bytes } = scanner;
  let { at } = scanner;
  scanner.textFrom = at;
  for (let byte = bytes[at]; byte !== quote; byte = bytes[at]) {
    if (byte === undefined || byte < 0x20 || byte === backslash) throw uncertain;
    at += 1;
  }
  scanner.textTo = at;
  scanner.at = at + 1;
}

/** Reads a member's name and the colon behind it. */
export function scanName(scanner: JsonScanner): void {
  scanText(scanner);
  expectByte(scanner, colon);
}

/** The text that was read last, which must be ASCII. */
export function asciiOf({ bytes, textFrom, textTo }: JsonScanner): string {
  return bytes.toString('latin1', textFrom, textTo);
}

const minus = 0x2d;
const digits = { zero: 0x30, nine: 0x39 };
/** As many digits are a safe integer, and its JSON text is the one that it was written in. */
const plainDigitsMax = 15;

/** Reads a whole number without sign and leading zeros. */
export function scanCount(scanner: JsonScanner): number {
  peekByte(scanner);
  const from = scanner.at;
  let value = 0;
  for (let byte = scanner.bytes[from] ?? 0; isDigit(byte); byte = scanner.bytes[scanner.at] ?? 0) {
    value = value * 10 + byte - digits.zero;
    scanner.at += 1;
  }
  const length = scanner.at - from;
  if (length === 0 || length > plainDigitsMax || isLeadingZero(scanner, from, length)) throw uncertain;
  requireEnd(scanner);
  return value;
}

const numberForm = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const numberCharsMax = 64;

/** Reads a number; gives its JSON text if that is not the one that was read, which then stands from `textFrom` to `textTo`. */
export function scanNumber(scanner: JsonScanner, isExact: (value: number) => boolean): string | undefined {
  peekByte(scanner);
  const { bytes } = scanner;
  const from = scanner.at;
  let at = from;
  if (bytes[at] === minus) at += 1;
  const digitsFrom = at;
  while (isDigit(bytes[at] ?? 0)) at += 1;
  const length = at - digitsFrom;
  scanner.textFrom = from;
  scanner.textTo = at;
  scanner.at = at;
  const isPlain = length > 0 && length <= plainDigitsMax && !isLeadingZero(scanner, digitsFrom, length);
  if (isPlain && !isNegativeZero(scanner) && isEnd(bytes[at])) return undefined;
  while (!isEnd(bytes[at])) at += 1;
  scanner.at = at;
  if (at - from > numberCharsMax) throw uncertain;
  const text = bytes.toString('latin1', from, at);
  const value = Number(text);
  if (!numberForm.test(text) || !isExact(value)) throw uncertain;
  return JSON.stringify(value);
}

function isNegativeZero({ bytes, textFrom }: JsonScanner): boolean {
  return bytes[textFrom] === minus && bytes[textFrom + 1] === digits.zero;
}

function isLeadingZero({ bytes }: JsonScanner, from: number, length: number): boolean {
  return length > 1 && bytes[from] === digits.zero;
}

function isDigit(byte: number): boolean {
  return byte >= digits.zero && byte <= digits.nine;
}

/** Whether a number or word ends before this byte. */
function isEnd(byte: number | undefined): boolean {
  return byte === undefined || byte === comma || byte === closeArray || byte === closeObject || byte <= 0x20;
}

function requireEnd({ bytes, at }: JsonScanner): void {
  if (!isEnd(bytes[at])) throw uncertain;
}

const words = { t: Buffer.from('true'), f: Buffer.from('false'), n: Buffer.from('null') };

/** Reads true, false or null, which then stands from `textFrom` to `textTo`; false where it is null. */
export function scanWord(scanner: JsonScanner): boolean {
  const first = peekByte(scanner);
  const word = first === words.t[0] ? words.t : first === words.f[0] ? words.f : words.n;
  for (let index = 0; index < word.length; index += 1)
    if (scanner.bytes[scanner.at + index] !== word[index]) throw uncertain;
  scanner.textFrom = scanner.at;
  scanner.at += word.length;
  scanner.textTo = scanner.at;
  requireEnd(scanner);
  return word !== words.n;
}
