import { metadataKeyPattern, metadataValueBytesMax } from '../audit-event.ts';
import { putLong, putRange } from '../avro/avro-output.ts';
import { putByte, type ByteSink } from '../columns/byte-sink.ts';
import { isExact } from '../exact-number.ts';
import { eventDeclaration } from '../field-declaration.ts';
import {
  closeObject,
  hasNext,
  openObject,
  openValue,
  peekByte,
  quote,
  scanName,
  scanNumber,
  scanText,
  scanWord,
  uncertain,
  type JsonScanner,
} from './json-scanner.ts';
import { isWordStart, plainPattern, putAscii, requirePlain } from './quick-texts.ts';

const keysMax = eventDeclaration.properties?.['metadata']?.maxProperties ?? 0;
const keyPattern = plainPattern(metadataKeyPattern);

/** Of the entries as they were read: where keys and values begin and end; a value that JSON writes otherwise has a text of its own. */
const keyFrom = new Int32Array(keysMax);
const keyTo = new Int32Array(keysMax);
const valueFrom = new Int32Array(keysMax);
const valueTo = new Int32Array(keysMax);
const otherTexts: (string | undefined)[] = Array.from({ length: keysMax });
/** The entries in the order of their keys. */
const order = new Uint8Array(keysMax);

/** Reads the metadata of an event, an actor or a resource, and appends it as an Avro map, in the order of its keys. */
export function putMetadata(out: ByteSink, scanner: JsonScanner): void {
  openValue(scanner, openObject);
  let count = 0;
  while (hasNext(scanner, count, closeObject)) {
    if (count >= keysMax) throw uncertain;
    scanName(scanner);
    requireKey(scanner);
    keyFrom[count] = scanner.textFrom;
    keyTo[count] = scanner.textTo;
    otherTexts[count] = scanValue(scanner);
    valueFrom[count] = scanner.textFrom;
    valueTo[count] = scanner.textTo;
    insert(scanner.bytes, count);
    count += 1;
  }
  if (count > 0) putLong(out, count);
  for (let place = 0; place < count; place += 1) {
    const entry = order[place] ?? 0;
    putSpan(out, scanner.bytes, keyFrom[entry] ?? 0, keyTo[entry] ?? 0);
    const other = otherTexts[entry];
    if (other === undefined) putSpan(out, scanner.bytes, valueFrom[entry] ?? 0, valueTo[entry] ?? 0);
    else putAscii(out, other);
  }
  putByte(out, 0);
}

/** Keys that are whole numbers come first in an object, whatever their order: these, and __proto__, are left to others. */
function requireKey(scanner: JsonScanner): void {
  requirePlain(scanner, keyPattern);
  const first = scanner.bytes[scanner.textFrom] ?? 0;
  const isDigit = first >= 0x30 && first <= 0x39;
  const isUnderscore = first === 0x5f && scanner.bytes[scanner.textFrom + 1] === 0x5f;
  if (isDigit || isUnderscore) throw uncertain;
}

/** Reads a value into the scanner's text; gives its text where that is another. A null drops its key: it is left to others. */
function scanValue(scanner: JsonScanner): string | undefined {
  const first = peekByte(scanner);
  if (first === quote) {
    scanText(scanner);
    if (scanner.textTo - scanner.textFrom > metadataValueBytesMax) throw uncertain;
    return undefined;
  }
  if (!isWordStart(first)) return scanNumber(scanner, isExact);
  if (!scanWord(scanner)) throw uncertain;
  return undefined;
}

/** Puts the last entry into its place. A key that is there already ends the fast path. */
function insert(bytes: Uint8Array, last: number): void {
  let place = last;
  while (place > 0) {
    const before = order[place - 1] ?? 0;
    const difference = compare(bytes, last, before);
    if (difference === 0) throw uncertain;
    if (difference > 0) break;
    order[place] = before;
    place -= 1;
  }
  order[place] = last;
}

function compare(bytes: Uint8Array, one: number, other: number): number {
  const [oneFrom, oneTo, otherFrom, otherTo] = [
    keyFrom[one] ?? 0,
    keyTo[one] ?? 0,
    keyFrom[other] ?? 0,
    keyTo[other] ?? 0,
  ];
  const length = Math.min(oneTo - oneFrom, otherTo - otherFrom);
  for (let offset = 0; offset < length; offset += 1) {
    const difference = (bytes[oneFrom + offset] ?? 0) - (bytes[otherFrom + offset] ?? 0);
    if (difference !== 0) return difference;
  }
  return oneTo - oneFrom - (otherTo - otherFrom);
}

function putSpan(out: ByteSink, bytes: Uint8Array, from: number, to: number): void {
  putLong(out, to - from);
  putRange(out, bytes, from, to);
}
