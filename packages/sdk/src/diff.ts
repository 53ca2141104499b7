import { createHash } from 'node:crypto';
import type { Change } from './event-input.ts';
import { jsonFieldsOf, jsonValueOf } from './json-value.ts';

export interface DiffOptions {
  /** Paths that are left out, with all below them: `updated_at`, `address.geo`. Below an array they mean each of its items. No value holds what they name. */
  ignore?: readonly string[] | undefined;
}

/** The limits of the event schema. */
const changesMax = 64;
const valueBytesMax = 8 * 1024;
const pathCharsMax = 512;
/** I8: deeper down, values are compared whole. */
const depthMax = 16;

/**
 * What is different in `after`, for `changes` of an event: one entry for each value, `path` in dots, sorted. Plain objects are looked into,
 * everything else, arrays too, is one value, compared by its JSON. What is only on one side has no `old` or no `new`.
 *
 * Keeps the limits of an event: with more than 64 changes it names the objects that hold them, not each value, and a value of more than
 * 8 KiB is told by its size and SHA-256.
 */
export function diff(
  before: object | null | undefined,
  after: object | null | undefined,
  options: DiffOptions = {},
): Change[] {
  const { ignore = [] } = options;
  const [old, now] = [without(ignore, before, ''), without(ignore, after, '')];
  for (let depth = depthMax; depth > 0; depth -= 1) {
    const changes = changesBelow('', objectOf(old), objectOf(now), depth);
    if (changes.length <= changesMax) return changes;
  }
  return [changeOf('*', old, now)];
}

/** The value that JSON has, without what is ignored in it; `path` is where it stands. What nothing ignored is below stays as it is, but for the whole. */
function without(ignored: readonly string[], given: unknown, path: string): unknown {
  const below = ignored.filter((one) => path === '' || one.startsWith(`${path}.`));
  if (below.length === 0 && path !== '') return given;
  const value = jsonValueOf(given, path.slice(path.lastIndexOf('.') + 1));
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value) && path !== '') return value.map((item) => without(below, item, path));
  const kept = jsonFieldsOf(value).flatMap(([name, item]) => {
    const itemPath = pathOf(path, name);
    return ignored.includes(itemPath) ? [] : [[name, without(below, item, itemPath)]];
  });
  return Object.fromEntries(kept);
}

function changesBelow(prefix: string, before: object, after: object, depth: number): Change[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].toSorted().flatMap((name) => {
    const path = pathOf(prefix, name);
    const [old, now] = [ownValue(before, name), ownValue(after, name)];
    if (jsonOf(old) === jsonOf(now)) return [];
    if (depth > 1 && isPlain(old) && isPlain(now)) return changesBelow(path, old, now, depth - 1);
    return [changeOf(path, old, now)];
  });
}

const pathOf = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

function changeOf(path: string, old: unknown, now: unknown): Change {
  return {
    path: path.slice(0, pathCharsMax),
    ...(jsonOf(old) !== undefined && { old: told(old) }),
    ...(jsonOf(now) !== undefined && { new: told(now) }),
  };
}

function told(value: unknown): unknown {
  const json = jsonOf(value) ?? '';
  const bytes = Buffer.byteLength(json);
  if (bytes <= valueBytesMax) return value;
  return { _bytes: bytes, _sha256: createHash('sha256').update(json).digest('hex') };
}

function objectOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

function ownValue(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The text that an event would have of it; undefined for what JSON leaves out. */
function jsonOf(value: unknown): string | undefined {
  return JSON.stringify(value);
}
