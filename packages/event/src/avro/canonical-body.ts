import { clearSink, createByteSink, writtenBytes, type ByteSink } from '../columns/byte-sink.ts';
import {
  cursorOver,
  malformed,
  readBlocks,
  readExactLong,
  readIndex,
  readInt,
  readText,
  take,
  type AvroCursor,
} from './avro-cursor.ts';
import { putLong, putRange } from './avro-output.ts';
import { skipOf } from './avro-skip.ts';
import { isArray, isEnum, isFixed, isMap, isRecord, isUnion, type AvroType } from './avro-types.ts';
import { putCanonicalMap } from './canonical-map.ts';

/** Reads one value as the writer wrote it and writes it in the reader's canonical form. */
export type Transcode = (cursor: AvroCursor, out: ByteSink) => void;

/**
 * Turns a body of `writer` into the one body of `reader` that says the same: the reader's fields in its order, defaults
 * filled in, promotions made (Avro 1.11, "Schema Resolution"), numbers in their shortest form, arrays and maps in one
 * block, a map's keys in ascending order of their bytes. Two bodies that mean the same event have the same canonical form.
 *
 * Checks every byte: throws an Error that says what is wrong with a body that is damaged, goes on behind its end, holds
 * text that is not UTF-8, a number that JavaScript cannot keep, or a map with a key twice or the key `__proto__`, which an
 * object would lose. The result is a view that is good until the next call. Throws at once when `writer` does not resolve.
 */
export function createCanonicaliser(reader: AvroType, writer: AvroType): (body: Buffer) => Buffer {
  const transcode = transcodeOf(reader, writer);
  const out = createByteSink();
  return (body) => {
    const cursor = cursorOver(body);
    clearSink(out);
    transcode(cursor, out);
    if (cursor.at !== body.length) throw malformed(cursor, `the value ends before the ${body.length} bytes do`);
    return writtenBytes(out);
  };
}

function transcodeOf(reader: AvroType, writer: AvroType): Transcode {
  if (isUnion(writer)) return anyBranch(writer.types.map((branch) => transcodeOf(reader, branch)));
  if (isUnion(reader)) return intoUnion(reader.types, writer);
  if (isRecord(reader) && isRecord(writer)) return recordOf(reader.fields, writer.fields);
  if (isArray(reader) && isArray(writer)) return arrayOf(transcodeOf(reader.itemsType, writer.itemsType));
  if (isMap(reader) && isMap(writer)) return mapOf(transcodeOf(reader.valuesType, writer.valuesType));
  if (isEnum(reader) && isEnum(writer)) return enumOf(reader, writer.symbols);
  if (isFixed(reader) && isFixed(writer) && reader.size === writer.size) return fixedOf(reader.size);
  const scalar = scalars[`${writer.typeName} as ${reader.typeName}`];
  if (scalar === undefined) throw new Error(`cannot read ${writer.typeName} as ${reader.typeName}`);
  return scalar;
}

const scalars: Readonly<Record<string, Transcode>> = {
  'null as null': () => undefined,
  'long as long': (cursor, out) => putLong(out, readExactLong(cursor)),
  'int as long': (cursor, out) => putLong(out, readInt(cursor)),
  'string as string': putText,
  // Bytes that are read as text have to be text.
  'bytes as string': putText,
};

function putText(cursor: AvroCursor, out: ByteSink): void {
  const from = readText(cursor);
  putLong(out, cursor.at - from);
  putRange(out, cursor.bytes, from, cursor.at);
}

function anyBranch(branches: readonly Transcode[]): Transcode {
  return (cursor, out) => branches[readIndex(cursor, branches.length, 'union branch')]?.(cursor, out);
}

/** The first branch that the writer's type can be read as. */
function intoUnion(branches: readonly AvroType[], writer: AvroType): Transcode {
  for (const [index, branch] of branches.entries()) {
    const transcode = orNull(() => transcodeOf(branch, writer));
    if (transcode === null) continue;
    return (cursor, out) => {
      putLong(out, index);
      transcode(cursor, out);
    };
  }
  throw new Error(`no branch of the union can be read from ${writer.typeName}`);
}

function orNull<T>(make: () => T): T | null {
  try {
    return make();
  } catch {
    return null;
  }
}

function arrayOf(item: Transcode): Transcode {
  const items = createByteSink();
  return (cursor, out) => {
    clearSink(items);
    const count = readBlocks(cursor, () => item(cursor, items));
    if (count > 0) {
      putLong(out, count);
      putRange(out, items.buffer, 0, items.length);
    }
    putLong(out, 0);
  };
}

function mapOf(value: Transcode): Transcode {
  const entries = createByteSink();
  return (cursor, out) => {
    clearSink(entries);
    const ends: number[] = [];
    readBlocks(cursor, () => {
      putText(cursor, entries);
      value(cursor, entries);
      ends.push(entries.length);
    });
    putCanonicalMap(writtenBytes(entries), ends, out);
  };
}

function enumOf(reader: { readonly symbols: readonly string[] }, written: readonly string[]): Transcode {
  // avsc's types leave out the default symbol.
  const fallback: unknown = Reflect.get(reader, 'default');
  const indexes = written.map((symbol) => reader.symbols.findIndex((known) => known === symbol));
  const fallbackIndex = reader.symbols.findIndex((known) => known === fallback);
  if (fallbackIndex < 0 && indexes.includes(-1)) throw new Error('an enum symbol is unknown and there is no default');
  return (cursor, out) => {
    const index = indexes[readIndex(cursor, written.length, 'enum symbol')] ?? -1;
    putLong(out, index < 0 ? fallbackIndex : index);
  };
}

function fixedOf(size: number): Transcode {
  return (cursor, out) => putRange(out, cursor.bytes, take(cursor, size), cursor.at);
}

interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  defaultValue(): unknown;
}

/** One field of the writer: its place among the reader's fields, −1 when the reader lacks it. */
interface FieldReading {
  readonly place: number;
  readonly transcode: Transcode;
}

/** A field that the writer lacks takes its default; one that the reader lacks is passed over. Their orders may differ. */
function recordOf(readers: readonly AvroField[], writers: readonly AvroField[]): Transcode {
  const readings = writers.map((field): FieldReading => {
    const place = readers.findIndex(({ name }) => name === field.name);
    const known = readers[place];
    if (known === undefined) return { place: -1, transcode: skipOf(field.type) };
    return { place, transcode: transcodeOf(known.type, field.type) };
  });
  const isRead = (place: number): boolean => readings.some((reading) => reading.place === place);
  const defaults = readers.map((field, place) => (isRead(place) ? null : defaultBytes(field)));
  const places = readings.map(({ place }) => place).filter((place) => place >= 0);
  const isInOrder = places.every((place, index) => place > (places[index - 1] ?? -1));
  return isInOrder ? inOrder(readings, defaults) : reordered(readings, defaults);
}

function inOrder(readings: readonly FieldReading[], defaults: readonly (Buffer | null)[]): Transcode {
  const steps: Transcode[] = [];
  let next = 0;
  const fillUpTo = (place: number): void => {
    for (; next < place; next += 1) {
      const value = defaults[next] ?? null;
      if (value !== null) steps.push((_cursor, out) => putRange(out, value, 0, value.length));
    }
  };
  for (const { place, transcode } of readings) {
    if (place >= 0) fillUpTo(place);
    steps.push(transcode);
  }
  fillUpTo(defaults.length);
  return (cursor, out) => {
    for (const step of steps) step(cursor, out);
  };
}

function reordered(readings: readonly FieldReading[], defaults: readonly (Buffer | null)[]): Transcode {
  const written = createByteSink();
  const starts = defaults.map(() => 0);
  const ends = defaults.map(() => 0);
  return (cursor, out) => {
    clearSink(written);
    for (const { place, transcode } of readings) {
      if (place >= 0) starts[place] = written.length;
      transcode(cursor, written);
      if (place >= 0) ends[place] = written.length;
    }
    for (const [place, value] of defaults.entries()) {
      if (value === null) putRange(out, written.buffer, starts[place] ?? 0, ends[place] ?? 0);
      else putRange(out, value, 0, value.length);
    }
  };
}

function defaultBytes(field: AvroField): Buffer {
  const value = field.defaultValue();
  if (value === undefined) throw new Error(`the field ${field.name} is missing and has no default`);
  return field.type.toBuffer(value);
}
