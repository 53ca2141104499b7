import { lastEnd, putBytes, putInt64, type ByteSink } from '@docket/event';
import type { NativeType } from './column-type-mapper.ts';

/** Rows `from` to `to`, the last not included. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** Appends a range of rows of one column to another column of the same type; both as their sinks in Native order. */
export function copyRows(
  type: NativeType,
  source: readonly ByteSink[],
  target: readonly ByteSink[],
  rows: RowRange,
): void {
  const [first, ...inner] = source;
  const [into, ...innerInto] = target;
  if (first === undefined || into === undefined) throw new Error(`a column of ${type.kind} has too few sinks`);
  switch (type.kind) {
    case 'String': {
      const bytes = textBytes(first, rows);
      return putBytes(into, first.buffer.subarray(bytes.from, bytes.to));
    }
    case 'Nullable':
      copyFixed(1, first, into, rows);
      return copyRows(type.of, inner, innerInto, rows);
    case 'Array':
      return copyRows(type.of, inner, innerInto, copyEnds(first, into, rows));
    case 'Map': {
      const items = copyEnds(first, into, rows);
      copyRows(type.key, inner.slice(0, 1), innerInto.slice(0, 1), items);
      return copyRows(type.value, inner.slice(1), innerInto.slice(1), items);
    }
    case 'FixedString':
      return copyFixed(type.bytes, first, into, rows);
    case 'Enum8':
    case 'UInt16':
    case 'UInt32':
    case 'UInt64':
    case 'DateTime64':
    case 'UUID':
      return copyFixed(widths[type.kind], first, into, rows);
  }
}

const widths = { Enum8: 1, UInt16: 2, UInt32: 4, UInt64: 8, DateTime64: 8, UUID: 16 } as const;

function copyFixed(width: number, source: ByteSink, target: ByteSink, { from, to }: RowRange): void {
  putBytes(target, source.buffer.subarray(from * width, to * width));
}

/** Copies the ends, counted from the target's beginning; gives the items between them. */
function copyEnds(source: ByteSink, target: ByteSink, { from, to }: RowRange): RowRange {
  const endOf = (row: number): number => (row < 0 ? 0 : source.view.getUint32(row * 8, true));
  const items = { from: endOf(from - 1), to: endOf(to - 1) };
  const shift = lastEnd(target) - items.from;
  for (let row = from; row < to; row += 1) putInt64(target, endOf(row) + shift);
  return items;
}

/** Where the texts of these rows lie: found by walking over all before them. */
function textBytes(sink: ByteSink, { from, to }: RowRange): RowRange {
  let at = 0;
  let start = 0;
  for (let row = 0; row < to; row += 1) {
    if (row === from) start = at;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = sink.view.getUint8(at++);
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += length;
  }
  return from === to ? { from: 0, to: 0 } : { from: start, to: at };
}
