import { putByte, type ByteSink } from '../columns/byte-sink.ts';
import { isIpText } from '../columns/ip-text.ts';
import { eventDeclaration, type FieldDeclaration } from '../field-declaration.ts';
import { isReserved } from '../log-identity.ts';
import { asciiOf, scanText, uncertain, type JsonScanner } from './json-scanner.ts';
import { createNameTable } from './name-table.ts';
import { allowedIn, plainPattern, putScanned, putText, requirePlain, textLimits } from './quick-texts.ts';

/** Before the value of a union with null. */
export const some = 2;

/** Of the one declaration: a field, or, within a list, a member of its items. */
export function declared(name: string, member?: string): FieldDeclaration {
  const field = eventDeclaration.properties?.[name];
  const found = member === undefined ? field : (field?.items ?? field)?.properties?.[member];
  if (found === undefined) throw new TypeError(`an event has no ${name} ${member}`);
  return found;
}

export function text(name: string, member?: string) {
  const limits = textLimits(declared(name, member));
  return (sink: ByteSink, scanner: JsonScanner): void => putText(sink, scanner, limits);
}

export function plainText(name: string, member?: string) {
  const pattern = plainPattern(declared(name, member).pattern);
  return (sink: ByteSink, scanner: JsonScanner): void => {
    scanText(scanner);
    requirePlain(scanner, pattern);
    putScanned(sink, scanner);
  };
}

export function symbolOf(symbols: readonly string[], isOptional = false) {
  const named = createNameTable(symbols);
  return (sink: ByteSink, scanner: JsonScanner): void => {
    scanText(scanner);
    const index = named(scanner.bytes, scanner.textFrom, scanner.textTo);
    if (index < 0) throw uncertain;
    if (isOptional) putByte(sink, some);
    putByte(sink, index * 2);
  };
}

/** Of the pattern of actions, without what it says of dots. */
const actionBytes = { allowed: allowedIn(/^[a-z0-9_.-]$/), bytesMax: declared('action').maxLength ?? 0 };
const dot = 0x2e;
const firstOfReserved = 0x64;

export function putAction(sink: ByteSink, scanner: JsonScanner): void {
  scanText(scanner);
  requirePlain(scanner, actionBytes);
  const { bytes, textFrom, textTo } = scanner;
  if (bytes[textFrom] === dot || bytes[textTo - 1] === dot) throw uncertain;
  for (let at = textFrom + 1; at < textTo; at += 1) if (bytes[at] === dot && bytes[at - 1] === dot) throw uncertain;
  if (bytes[textFrom] === firstOfReserved && isReserved(asciiOf(scanner))) throw uncertain;
  putScanned(sink, scanner);
}

export function putIp(sink: ByteSink, scanner: JsonScanner): void {
  scanText(scanner);
  const { view, textFrom, textTo } = scanner;
  if (textTo > textFrom && !isIpText(view, textFrom, textTo)) throw uncertain;
  putScanned(sink, scanner);
}

export function putCountry(sink: ByteSink, scanner: JsonScanner): void {
  scanText(scanner);
  const { bytes, textFrom, textTo } = scanner;
  if (textTo !== textFrom && textTo - textFrom !== 2) throw uncertain;
  for (let at = textFrom; at < textTo; at += 1) if ((bytes[at] ?? 0) < 0x41 || (bytes[at] ?? 0) > 0x5a) throw uncertain;
  putScanned(sink, scanner);
}
