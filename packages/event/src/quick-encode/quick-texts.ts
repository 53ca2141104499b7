import { changeDepthMax, changeValueBytesMax } from '../audit-event.ts';
import { putLong, putRange } from '../avro/avro-output.ts';
import { putByte, reserve, type ByteSink } from '../columns/byte-sink.ts';
import { isExact } from '../exact-number.ts';
import type { FieldDeclaration } from '../field-declaration.ts';
import {
  closeArray,
  comma,
  hasNext,
  openArray,
  openObject,
  openValue,
  peekByte,
  quote,
  scanNumber,
  scanText,
  scanWord,
  uncertain,
  type JsonScanner,
} from './json-scanner.ts';

/** The bytes that a text may hold, and how many: of a pattern of the declaration that says no more. */
export interface PlainPattern {
  /** By byte: 1 where it may stand in the text. */
  readonly allowed: Uint8Array;
  readonly bytesMax: number;
}

/** Throws a TypeError for a pattern that is more than a set of ASCII characters from once to so many times: a mistake at start. */
export function plainPattern(pattern: string | undefined): PlainPattern {
  const [, characters, most] = /^\^(\[[ -Z_-~\\-]+\])\{1,(\d+)\}\$$/.exec(pattern ?? '') ?? [];
  if (characters === undefined) throw new TypeError(`not a plain pattern: ${pattern}`);
  return { allowed: allowedIn(new RegExp(`^${characters}$`)), bytesMax: Number(most) };
}

export function allowedIn(character: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    byte < 0x80 && character.test(String.fromCharCode(byte)) ? 1 : 0,
  );
}

/** The text that was read last has from 1 to so many bytes, of these. */
export function requirePlain({ bytes, textFrom, textTo }: JsonScanner, { allowed, bytesMax }: PlainPattern): void {
  if (textTo === textFrom || textTo - textFrom > bytesMax) throw uncertain;
  for (let at = textFrom; at < textTo; at += 1) if (allowed[bytes[at] ?? 0] !== 1) throw uncertain;
}

/** Appends the text that was read last, as Avro does. */
export function putScanned(out: ByteSink, { bytes, textFrom, textTo }: JsonScanner): void {
  putLong(out, textTo - textFrom);
  putRange(out, bytes, textFrom, textTo);
}

/** How many bytes a text has. It has no more characters than bytes: what may be over a limit of these is uncertain. */
export interface TextLimits {
  readonly bytesMin: number;
  readonly bytesMax: number;
}

export function textLimits(declared: FieldDeclaration): TextLimits {
  const { minLength = 0, maxLength = Infinity, 'x-bytesMax': bytesMax = Infinity } = declared;
  return { bytesMin: minLength, bytesMax: Math.min(maxLength, bytesMax) };
}

/** Reads a string and appends it. */
export function putText(out: ByteSink, scanner: JsonScanner, { bytesMin, bytesMax }: TextLimits): void {
  scanText(scanner);
  const bytes = scanner.textTo - scanner.textFrom;
  if (bytes < bytesMin || bytes > bytesMax) throw uncertain;
  putScanned(out, scanner);
}

/** Appends ASCII text, as Avro does. */
export function putAscii(out: ByteSink, text: string): void {
  putLong(out, text.length);
  reserve(out, text.length);
  out.length += out.buffer.write(text, out.length, 'latin1');
}

const someChange = 2;

/** Reads any JSON value without objects, whose keys would have to be ordered, and appends its canonical text. */
export function putChangeValue(out: ByteSink, text: ByteSink, scanner: JsonScanner): void {
  text.length = 0;
  putCanonical(text, scanner, changeDepthMax);
  if (text.length > changeValueBytesMax) throw uncertain;
  putByte(out, someChange);
  putLong(out, text.length);
  putRange(out, text.buffer, 0, text.length);
}

function putCanonical(text: ByteSink, scanner: JsonScanner, depth: number): void {
  const first = peekByte(scanner);
  if (first === quote) {
    scanText(scanner);
    // Without escapes it is written as it was read.
    putRange(text, scanner.bytes, scanner.textFrom - 1, scanner.textTo + 1);
  } else if (first === openArray) putArray(text, scanner, depth);
  else if (first === openObject) throw uncertain;
  else putScalar(text, scanner, first);
}

function putArray(text: ByteSink, scanner: JsonScanner, depth: number): void {
  if (depth === 0) throw uncertain;
  openValue(scanner, openArray);
  putByte(text, openArray);
  for (let index = 0; hasNext(scanner, index, closeArray); index += 1) {
    if (index > 0) putByte(text, comma);
    putCanonical(text, scanner, depth - 1);
    if (text.length > changeValueBytesMax) throw uncertain;
  }
  putByte(text, closeArray);
}

/** Reads a number, true, false or null, and appends its JSON text. */
function putScalar(text: ByteSink, scanner: JsonScanner, first: number): void {
  const other = isWordStart(first) ? void scanWord(scanner) : scanNumber(scanner, isExact);
  if (other === undefined) return putRange(text, scanner.bytes, scanner.textFrom, scanner.textTo);
  reserve(text, other.length);
  text.length += text.buffer.write(other, text.length, 'latin1');
}

/** Of true, false and null. */
export function isWordStart(byte: number): boolean {
  return byte === 0x74 || byte === 0x66 || byte === 0x6e;
}
