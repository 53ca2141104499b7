import { isIP } from 'node:net';
import { changeDepthMax, changeValueBytesMax, metadataValueBytesMax } from './audit-event.ts';
import { isPlainObject } from './canonical-json.ts';
import { isExact } from './exact-number.ts';
import { isEventId } from './event-id.ts';
import type { FieldDeclaration } from './field-declaration.ts';
import { microsOfRfc3339 } from './occurred-at.ts';
import { characterCount, isWellFormed } from './text-limits.ts';

export type Check = (value: unknown) => boolean;

/** UTF-8 takes at most so many bytes for one UTF-16 unit, and JSON text at most so many characters: what is shorter needs no count. */
const bytesPerUnitMax = 3;
const escapedPerUnitMax = 6;

/**
 * Makes the check of a declaration: true exactly where `validateEvent` finds nothing wrong, without a pointer or a message made on the way. Honest
 * events meet no other check; what fails is judged again, to say why.
 */
export function compileCheck(schema: FieldDeclaration): Check {
  switch (schema.type) {
    case 'object':
      return schema['x-metadata'] === true ? metadataCheck(schema) : objectCheck(schema);
    case 'array':
      return arrayCheck(schema);
    case 'string':
      return textCheck(schema);
    case 'integer':
      return integerCheck(schema);
    case undefined:
      break;
  }
  return isChangeValue;
}

function objectCheck({ properties = {}, required = [] }: FieldDeclaration): Check {
  const fields = new Map(
    Object.entries(properties).map(([name, schema]) => [
      name,
      { check: compileCheck(schema), required: required.includes(name) ? 1 : 0 },
    ]),
  );
  return (value) => {
    if (!isPlainObject(value)) return false;
    let found = 0;
    for (const name of Object.keys(value)) {
      const field = fields.get(name);
      if (field === undefined || !field.check(value[name])) return false;
      found += field.required;
    }
    return found === required.length;
  };
}

function arrayCheck({ items = {}, maxItems = Infinity }: FieldDeclaration): Check {
  const check = compileCheck(items);
  return (value) => Array.isArray(value) && value.length <= maxItems && value.every(check);
}

function textCheck(schema: FieldDeclaration): Check {
  const { minLength = 0, maxLength = Infinity, 'x-bytesMax': bytesMax = Infinity, 'x-format': format } = schema;
  const allowed = schema.enum === undefined ? undefined : new Set(schema.enum);
  if (allowed !== undefined) return (value) => typeof value === 'string' && allowed.has(value);
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern, 'u');
  return (value) => {
    if (typeof value !== 'string') return false;
    const length = value.length <= maxLength ? value.length : characterCount(value);
    if (length < minLength || length > maxLength || !isWellFormed(value)) return false;
    if (value.length * bytesPerUnitMax > bytesMax && Buffer.byteLength(value) > bytesMax) return false;
    if (pattern !== undefined && !pattern.test(value)) return false;
    return format === undefined || hasFormat(format, value);
  };
}

export function hasFormat(format: NonNullable<FieldDeclaration['x-format']>, value: string): boolean {
  switch (format) {
    case 'uuid':
      return isEventId(value);
    case 'date-time':
      return microsOfRfc3339(value) !== null;
    case 'ip':
      return value === '' || (isIP(value) !== 0 && !value.includes('%'));
  }
}

function integerCheck({ minimum = -Infinity, maximum = Infinity }: FieldDeclaration): Check {
  return (value) => typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum;
}

function metadataCheck({ maxProperties = Infinity, propertyNames }: FieldDeclaration): Check {
  const pattern = new RegExp(propertyNames?.pattern ?? '', 'u');
  return (value) => {
    if (!isPlainObject(value)) return false;
    const names = Object.keys(value);
    if (names.length > maxProperties) return false;
    return names.every((name) => pattern.test(name) && name !== '__proto__' && isMetadataValue(value[name]));
  };
}

function isMetadataValue(value: unknown): boolean {
  if (typeof value === 'string') {
    if (!isWellFormed(value)) return false;
    return value.length * bytesPerUnitMax <= metadataValueBytesMax || Buffer.byteLength(value) <= metadataValueBytesMax;
  }
  if (typeof value === 'number') return isExact(value);
  return typeof value === 'boolean' || value === null;
}

function isChangeValue(value: unknown): boolean {
  if (typeof value === 'string' && value.length * escapedPerUnitMax + 2 <= changeValueBytesMax) return true;
  if (typeof value === 'number') return isExact(value);
  if (!isWithin(value, changeDepthMax)) return false;
  return Buffer.byteLength(JSON.stringify(value)) <= changeValueBytesMax;
}

/** Whether a value nests no deeper and holds no number that JSON readers change. */
function isWithin(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return isExact(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  const inner: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return inner.every((item) => isWithin(item, depth - 1));
}
