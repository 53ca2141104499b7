import { reserve, type ByteSink } from './byte-sink.ts';
import type { BytePattern } from './byte-patterns.ts';
import { putEnd, putEmptyText, type FieldStep } from './field-step.ts';
import { isJsonText } from './json-text.ts';
import { putRange, putText, type TextLimits } from './put-range.ts';
import { doubt, readLength, type Source } from './source.ts';

/** An array of records, whose fields are array columns: `ends` are the ends of each. In one block of at most `itemsMax`. */
export function listStep(ends: readonly ByteSink[], itemsMax: number, item: FieldStep): FieldStep {
  return {
    read(source, from) {
      const count = readLength(source, from);
      if (count < 0 || count > itemsMax) return doubt;
      let at = source.at;
      for (let index = 0; index < count && at >= 0; index += 1) at = item.read(source, at);
      for (const sink of ends) putEnd(sink, count);
      return count === 0 || at < 0 ? at : endOfBlocks(source, at);
    },
    putAbsent: () => ends.forEach((sink) => putEnd(sink, 0)),
  };
}

/** The zero behind the one block. */
function endOfBlocks(source: Source, at: number): number {
  return at < source.end && source.view.getUint8(at) === 0 ? at + 1 : doubt;
}

export interface MapSinks {
  readonly ends: ByteSink;
  readonly keys: ByteSink;
  readonly values: ByteSink;
}

export interface MapLimits {
  readonly entriesMax: number;
  readonly key: BytePattern;
  readonly value: TextLimits;
}

/** Metadata: in one block, its keys strictly ascending. Keys that begin with two underscores are left to the slow path. */
export function mapStep({ ends, keys, values }: MapSinks, limits: MapLimits): FieldStep {
  return {
    read(source, from) {
      const count = readLength(source, from);
      if (count < 0 || count > limits.entriesMax) return doubt;
      let at = source.at;
      let keyFrom = 0;
      let keyTo = 0;
      for (let index = 0; index < count; index += 1) {
        const length = readLength(source, at);
        const next = source.at;
        if (length < 0 || next + length > source.end || !limits.key(source.view, next, next + length)) return doubt;
        if (!isAscending(source.view, keyFrom, keyTo, next, next + length)) return doubt;
        keyFrom = next;
        keyTo = next + length;
        putRange(source, keyFrom, length, keys);
        at = putText(source, keyTo, values, limits.value);
        if (at < 0) return doubt;
      }
      putEnd(ends, count);
      return count === 0 ? at : endOfBlocks(source, at);
    },
    putAbsent: () => putEnd(ends, 0),
  };
}

const underscore = 0x5f;

/** Whether the second key is greater than the first, by bytes, and does not begin with two underscores. */
export function isAscending(view: DataView, from: number, to: number, nextFrom: number, nextTo: number): boolean {
  if (view.getUint8(nextFrom) === underscore && nextTo - nextFrom > 1 && view.getUint8(nextFrom + 1) === underscore)
    return false;
  const shared = Math.min(to - from, nextTo - nextFrom);
  for (let index = 0; index < shared; index += 1) {
    const difference = view.getUint8(nextFrom + index) - view.getUint8(from + index);
    if (difference !== 0) return difference > 0;
  }
  return nextTo - nextFrom > to - from;
}

/** A side of a change: JSON text of at most `bytesMax` bytes, or null. */
export function jsonStep(nulls: ByteSink, values: ByteSink, bytesMax: number): FieldStep {
  const limits = { charactersMin: 1, charactersMax: bytesMax, bytesMax };
  const putSide = (isNull: number): void => {
    reserve(nulls, 1);
    nulls.view.setUint8(nulls.length, isNull);
    nulls.length += 1;
  };
  return {
    read(source, at) {
      putSide(0);
      const to = putText(source, at, values, limits);
      if (to < 0) return doubt;
      return isJsonText(source.view, source.at, to) ? to : doubt;
    },
    putAbsent() {
      putSide(1);
      putEmptyText(values);
    },
  };
}
