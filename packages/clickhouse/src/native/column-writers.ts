import {
  createByteSink,
  lastEnd,
  putBigUInt64,
  putByte,
  putBytes,
  putInt64,
  putText,
  putUInt16,
  putUInt32,
  putUuid,
  putVarUInt,
  type ByteSink,
} from '@docket/event';
import type { NativeType } from './column-type-mapper.ts';

/**
 * Writes the values of one column. `sinks` in order are the column's bytes in the Native format (revision 0).
 * A value of another shape than the column's is a bug of the caller and throws a TypeError.
 */
export interface ColumnWriter {
  readonly sinks: readonly ByteSink[];
  append(value: unknown): void;
  /** Writes the value that stands under a null. */
  appendDefault(): void;
}

export function createColumnWriter(type: NativeType): ColumnWriter {
  switch (type.kind) {
    case 'String':
      return stringWriter();
    case 'UUID':
      return uuidWriter();
    case 'UInt16':
      return numberWriter(putUInt16);
    case 'UInt32':
      return numberWriter(putUInt32);
    case 'UInt64':
      return uint64Writer();
    case 'DateTime64':
      return numberWriter(putInt64);
    case 'FixedString':
      return fixedWriter(type.bytes);
    case 'Enum8':
      return enumWriter(type.values);
    case 'Nullable':
      return nullableWriter(createColumnWriter(type.of));
    case 'Array':
      return arrayWriter(createColumnWriter(type.of));
    case 'Map':
      return mapWriter(createColumnWriter(type.key), createColumnWriter(type.value));
  }
}

function stringWriter(): ColumnWriter {
  const sink = createByteSink();
  return {
    sinks: [sink],
    append(value) {
      if (typeof value === 'string') {
        putText(sink, value);
      } else if (value instanceof Uint8Array) {
        putVarUInt(sink, value.length);
        putBytes(sink, value);
      } else {
        throw mismatch('String', value);
      }
    },
    appendDefault: () => putByte(sink, 0),
  };
}

function uuidWriter(): ColumnWriter {
  const sink = createByteSink();
  const zeros = new Uint8Array(16);
  return {
    sinks: [sink],
    append(value) {
      if (typeof value !== 'string') throw mismatch('UUID', value);
      putUuid(sink, value);
    },
    appendDefault: () => putBytes(sink, zeros),
  };
}

function numberWriter(put: (sink: ByteSink, value: number) => void): ColumnWriter {
  const sink = createByteSink();
  return {
    sinks: [sink],
    append(value) {
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw mismatch('integer', value);
      put(sink, value);
    },
    appendDefault: () => put(sink, 0),
  };
}

function uint64Writer(): ColumnWriter {
  const sink = createByteSink();
  return {
    sinks: [sink],
    append(value) {
      if (typeof value === 'bigint') putBigUInt64(sink, value);
      else if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) putInt64(sink, value);
      else throw mismatch('UInt64', value);
    },
    appendDefault: () => putInt64(sink, 0),
  };
}

function fixedWriter(bytes: number): ColumnWriter {
  const sink = createByteSink();
  const zeros = new Uint8Array(bytes);
  return {
    sinks: [sink],
    append(value) {
      if (!(value instanceof Uint8Array) || value.length !== bytes) throw mismatch(`FixedString(${bytes})`, value);
      putBytes(sink, value);
    },
    appendDefault: () => putBytes(sink, zeros),
  };
}

function enumWriter(values: ReadonlyMap<string, number>): ColumnWriter {
  const sink = createByteSink();
  return {
    sinks: [sink],
    append(value) {
      const number = typeof value === 'string' ? values.get(value) : undefined;
      if (number === undefined) throw mismatch('Enum8', value);
      putByte(sink, number & 0xff);
    },
    appendDefault: () => putByte(sink, [...values.values()][0] ?? 0),
  };
}

function nullableWriter(inner: ColumnWriter): ColumnWriter {
  const nulls = createByteSink();
  const appendNull = (): void => {
    putByte(nulls, 1);
    inner.appendDefault();
  };
  return {
    sinks: [nulls, ...inner.sinks],
    append(value) {
      if (value === null) {
        appendNull();
      } else {
        putByte(nulls, 0);
        inner.append(value);
      }
    },
    appendDefault: appendNull,
  };
}

/** Ends count from the block's beginning; the last one is read back, so that whoever else writes the column counts alike. */
function arrayWriter(items: ColumnWriter): ColumnWriter {
  const ends = createByteSink();
  return {
    sinks: [ends, ...items.sinks],
    append(value) {
      if (!Array.isArray(value)) throw mismatch('Array', value);
      for (const item of value) items.append(item);
      putInt64(ends, lastEnd(ends) + value.length);
    },
    appendDefault: () => putInt64(ends, lastEnd(ends)),
  };
}

function mapWriter(keys: ColumnWriter, values: ColumnWriter): ColumnWriter {
  const ends = createByteSink();
  return {
    sinks: [ends, ...keys.sinks, ...values.sinks],
    append(value) {
      if (!isRecord(value)) throw mismatch('Map', value);
      // An object shows whole numbers first, whatever their order was; a stored map has one order.
      const names = Object.keys(value).sort();
      for (const name of names) {
        keys.append(name);
        values.append(value[name]);
      }
      putInt64(ends, lastEnd(ends) + names.length);
    },
    appendDefault: () => putInt64(ends, lastEnd(ends)),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mismatch(type: string, value: unknown): TypeError {
  return new TypeError(`a ${value === null ? 'null' : typeof value} does not fit a column of ${type}`);
}
