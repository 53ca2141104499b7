import { isPlainObject } from './canonical-json.ts';
import { changeDepthMax, changeValueBytesMax, metadataValueBytesMax } from './audit-event.ts';
import { isExact } from './exact-number.ts';
import { eventDeclaration, stampDeclaration, type FieldDeclaration } from './field-declaration.ts';
import { nearestName } from './nearest-name.ts';
import { microsOfRfc3339 } from './occurred-at.ts';
import { compileCheck, hasFormat } from './quick-check.ts';
import { characterCount, isWellFormed } from './text-limits.ts';

/** What is wrong with one field; `pointer` is a JSON pointer (RFC 6901) into the event. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/** More errors than this in one event help nobody. */
const errorsMax = 20;

/** Takes errors until there are enough of them; loops over what a caller sent end then (I7). */
interface Report {
  (pointer: string, detail: string): void;
  isFull(): boolean;
}

/**
 * Everything that is wrong with `input` as an event, at most 20 errors; empty means that it satisfies `eventSchema` and
 * its limits. `occurred_at` is at most `aheadMsMax` after `arrivalMs` (ms since the epoch).
 */
export function validateEvent(input: unknown, arrivalMs: number, aheadMsMax: number): FieldError[] {
  const errors = isEvent(input) ? [] : fieldErrorsOf(input);
  const report = reportInto(errors);
  if (isPlainObject(input) && typeof input['occurred_at'] === 'string') {
    const micros = microsOfRfc3339(input['occurred_at']);
    if (micros !== null && micros > (arrivalMs + aheadMsMax) * 1000) {
      const most = hoursAndMinutes(aheadMsMax);
      report('/occurred_at', `is more than ${most} ahead of its arrival: check the clock of the producer`);
    }
  }
  return errors;
}

function hoursAndMinutes(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return `${Math.floor(minutes / 60)} hours${minutes % 60 === 0 ? '' : ` and ${minutes % 60} minutes`}`;
}

const isEvent = compileCheck(eventDeclaration);

/** What is wrong with `input` by the declaration alone: nothing exactly where its compiled check is true. */
export function fieldErrorsOf(input: unknown): FieldError[] {
  const errors: FieldError[] = [];
  checkValue(eventDeclaration, input, '', reportInto(errors));
  return errors;
}

/** Everything that is wrong with the gateway's stamp, which only a record from Kafka can bring along. */
export function validateStamp(stamp: unknown): FieldError[] {
  const errors: FieldError[] = [];
  checkValue(stampDeclaration, stamp, '/ingest', reportInto(errors));
  return errors;
}

function reportInto(errors: FieldError[]): Report {
  const take = (pointer: string, detail: string): void => {
    if (errors.length < errorsMax) errors.push({ pointer, detail });
  };
  return Object.assign(take, { isFull: () => errors.length >= errorsMax });
}

function checkValue(schema: FieldDeclaration, value: unknown, pointer: string, report: Report): void {
  switch (schema.type) {
    case 'object':
      if (!isPlainObject(value)) report(pointer, 'must be an object');
      else if (schema['x-metadata'] === true) checkMetadata(schema, value, pointer, report);
      else checkObject(schema, value, pointer, report);
      return;
    case 'array':
      checkArray(schema, value, pointer, report);
      return;
    case 'string':
      if (typeof value !== 'string')
        report(pointer, `must be a string${value === null ? '; leave the field out for absent' : ''}`);
      else checkText(schema, value, pointer, report);
      return;
    case 'integer':
      checkInteger(schema, value, pointer, report);
      return;
    case undefined:
      checkChangeValue(value, pointer, report);
  }
}

function checkObject(schema: FieldDeclaration, value: Record<string, unknown>, pointer: string, report: Report): void {
  const properties = schema.properties ?? {};
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) report(`${pointer}/${name}`, 'is required');
  }
  for (const name of Object.keys(value)) {
    if (report.isFull()) return;
    const declared = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const at = `${pointer}/${escapePointer(name)}`;
    if (declared === undefined) report(at, unknownField(name, Object.keys(properties)));
    else checkValue(declared, value[name], at, report);
  }
}

function unknownField(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  return `is not a field of an event${near === null ? '' : `; did you mean ${near}?`}`;
}

function checkArray(schema: FieldDeclaration, value: unknown, pointer: string, report: Report): void {
  if (!Array.isArray(value)) return report(pointer, 'must be an array');
  if (value.length > (schema.maxItems ?? Infinity)) {
    return report(pointer, `has ${value.length} items, at most ${schema.maxItems} are allowed`);
  }
  value.forEach((item: unknown, index) => checkValue(schema.items ?? {}, item, `${pointer}/${index}`, report));
}

function checkText(schema: FieldDeclaration, value: string, pointer: string, report: Report): void {
  const length = value.length <= (schema.maxLength ?? Infinity) ? value.length : characterCount(value);
  if (!isWellFormed(value)) report(pointer, 'holds a lone surrogate and has no UTF-8 form');
  else if (length < (schema.minLength ?? 0)) report(pointer, 'must not be empty');
  else if (length > (schema.maxLength ?? Infinity))
    report(pointer, `has ${length} characters, at most ${schema.maxLength} are allowed`);
  else if (Buffer.byteLength(value) > (schema['x-bytesMax'] ?? Infinity)) {
    report(pointer, `has ${Buffer.byteLength(value)} bytes, at most ${schema['x-bytesMax']} are allowed`);
  } else if (schema.enum !== undefined && !schema.enum.includes(value))
    report(pointer, `must be one of ${schema.enum.join(', ')}`);
  else if (schema.pattern !== undefined && !compiled(schema.pattern).test(value))
    report(pointer, `must match ${schema.pattern}`);
  else checkFormat(schema['x-format'], value, pointer, report);
}

const formatDetails = {
  uuid: 'must be a UUID other than the nil UUID',
  'date-time': 'must be an RFC 3339 time with an offset, from 1900 on',
  ip: 'must be an IPv4 or IPv6 address',
} as const;

function checkFormat(format: FieldDeclaration['x-format'], value: string, pointer: string, report: Report): void {
  if (format !== undefined && !hasFormat(format, value)) report(pointer, formatDetails[format]);
}

function checkInteger(schema: FieldDeclaration, value: unknown, pointer: string, report: Report): void {
  const [minimum, maximum] = [schema.minimum ?? -Infinity, schema.maximum ?? Infinity];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
    report(pointer, `must be an integer from ${minimum} to ${maximum}`);
  }
}

function checkMetadata(
  schema: FieldDeclaration,
  value: Record<string, unknown>,
  pointer: string,
  report: Report,
): void {
  const names = Object.keys(value);
  if (names.length > (schema.maxProperties ?? Infinity)) {
    return report(pointer, `has ${names.length} keys, at most ${schema.maxProperties} are allowed`);
  }
  for (const name of names) {
    if (report.isFull()) return;
    const at = `${pointer}/${escapePointer(name)}`;
    const inner = value[name];
    const text = metadataText(inner);
    if (!compiled(schema.propertyNames?.pattern ?? '').test(name) || name === '__proto__') {
      report(at, `is not an allowed key: keys match ${schema.propertyNames?.pattern} and __proto__ is reserved`);
    } else if (typeof inner === 'number' && !isExact(inner)) report(at, inexact);
    else if (text === undefined) report(at, 'must be a string, a number, a boolean or null');
    else if (text !== null && !isWellFormed(text)) report(at, 'holds a lone surrogate and has no UTF-8 form');
    else if (text !== null && Buffer.byteLength(text) > metadataValueBytesMax) {
      report(at, `has ${Buffer.byteLength(text)} bytes, at most ${metadataValueBytesMax} are allowed`);
    }
  }
}

/** What a metadata value is kept as; null drops its key, undefined means that it is invalid. */
export function metadataText(value: unknown): string | null | undefined {
  if (value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return JSON.stringify(value);
  return undefined;
}

function checkChangeValue(value: unknown, pointer: string, report: Report): void {
  const problem = problemWithin(value, changeDepthMax);
  if (problem !== null) return report(pointer, problem);
  // As long as its canonical text, which only orders keys otherwise, and many times cheaper.
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > changeValueBytesMax) {
    report(pointer, `has ${bytes} bytes as JSON, at most ${changeValueBytesMax} are allowed`);
  }
}

function problemWithin(value: unknown, depth: number): string | null {
  if (typeof value === 'number' && !isExact(value)) return inexact;
  if (typeof value !== 'object' || value === null) return null;
  if (depth === 0) return `nests deeper than ${changeDepthMax} levels`;
  for (const inner of Object.values(value)) {
    const problem = problemWithin(inner, depth - 1);
    if (problem !== null) return problem;
  }
  return null;
}

const inexact = 'holds a number beyond 2^53, which JSON readers change silently: send it as a string';

function escapePointer(name: string): string {
  return name.slice(0, 128).replaceAll('~', '~0').replaceAll('/', '~1');
}

const patterns = new Map<string, RegExp>();

function compiled(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const made = new RegExp(pattern, 'u');
  patterns.set(pattern, made);
  return made;
}
