import type { BytePattern } from './byte-patterns.ts';
import { hexDigits, lastEnd, reserve, uuidPairs, type ByteSink } from './byte-sink.ts';
import { putRange, putText, type TextLimits } from './put-range.ts';
import { doubt, readLength, readPositiveLong, type Source, type Step } from './source.ts';

/** How a field gets into its columns: from the body, or as what stands there when an optional record is absent. */
export interface FieldStep {
  readonly read: Step;
  putAbsent(): void;
}

export function putEmptyText(sink: ByteSink): void {
  reserve(sink, 1);
  sink.view.setUint8(sink.length, 0);
  sink.length += 1;
}

/** A non-negative safe integer as 64 bits. */
export function putUnsigned(sink: ByteSink, value: number): void {
  reserve(sink, 8);
  sink.view.setUint32(sink.length, value, true);
  sink.view.setUint32(sink.length + 4, value / 0x1_0000_0000, true);
  sink.length += 8;
}

export function putEnd(ends: ByteSink, count: number): void {
  reserve(ends, 8);
  ends.view.setUint32(ends.length, lastEnd(ends) + count, true);
  ends.view.setInt32(ends.length + 4, 0, true);
  ends.length += 8;
}

export function textStep(sink: ByteSink, limits: TextLimits): FieldStep {
  return { read: (source, at) => putText(source, at, sink, limits), putAbsent: () => putEmptyText(sink) };
}

/** A text that has to pass `isRight`, too; ASCII only. */
export function asciiStep(sink: ByteSink, bytesMax: number, isRight: BytePattern): FieldStep {
  return {
    read(source, at) {
      const length = readLength(source, at);
      const from = source.at;
      const to = from + length;
      if (length < 0 || length > bytesMax || to > source.end || !isRight(source.view, from, to)) return doubt;
      return putRange(source, from, length, sink) === 0 ? to : doubt;
    },
    putAbsent: () => putEmptyText(sink),
  };
}

const uuidCharacters = 36;
const hyphens = [8, 13, 18, 23] as const;
const hyphen = 0x2d;

/** The id: a UUID other than the nil one, in lower or upper case. */
export function uuidStep(sink: ByteSink): FieldStep {
  return {
    read(source, at) {
      const { view } = source;
      const from = at + 1;
      if (from + uuidCharacters > source.end || view.getUint8(at) !== uuidCharacters * 2) return doubt;
      for (const index of hyphens) if (view.getUint8(from + index) !== hyphen) return doubt;
      reserve(sink, 16);
      const target = sink.view;
      let bits = 0;
      for (let index = 0; index < 16; index += 1) {
        const pair = from + (uuidPairs[index] ?? 0);
        // Negative when either is no digit.
        const byte = ((hexDigits[view.getUint8(pair)] ?? -1) << 4) | (hexDigits[view.getUint8(pair + 1)] ?? -1);
        bits |= byte;
        target.setUint8(sink.length + index, byte);
      }
      sink.length += 16;
      return bits <= 0 ? doubt : from + uuidCharacters;
    },
    putAbsent: () => undefined,
  };
}

/** The tenant_id, which must be the record's log. Content begins behind it. */
export function tenantStep(sink: ByteSink): FieldStep {
  return {
    read(source, at) {
      const { log, view } = source;
      const length = readLength(source, at);
      const from = source.at;
      if (length !== log.length || from + length > source.end) return doubt;
      for (let index = 0; index < length; index += 1) if (view.getUint8(from + index) !== log[index]) return doubt;
      putRange(source, from, length, sink);
      source.contentFrom = from + length;
      return from + length;
    },
    putAbsent: () => undefined,
  };
}

/** A symbol and its length fit into this. */
const symbolBytesMax = 32;

/** An enum as its symbol's text. */
export function enumStep(sink: ByteSink, symbols: readonly string[]): FieldStep {
  const texts = symbols.map(symbolText);
  return {
    read(source, at) {
      const index = readLength(source, at);
      const text = texts[index];
      if (index < 0 || text === undefined) return doubt;
      reserve(sink, symbolBytesMax);
      for (let byte = 0; byte < text.byteLength; byte += 4)
        sink.view.setInt32(sink.length + byte, text.getInt32(byte, true), true);
      sink.length += text.getUint8(0) + 1;
      return source.at;
    },
    putAbsent: () => putEmptyText(sink),
  };
}

/** A length and a symbol, in whole words. */
function symbolText(symbol: string): DataView {
  if (symbol.length >= symbolBytesMax) throw new Error(`the symbol ${symbol} is longer than ${symbolBytesMax - 1}`);
  const bytes = new Uint8Array(Math.ceil((symbol.length + 1) / 4) * 4);
  bytes[0] = symbol.length;
  bytes.set(Buffer.from(symbol), 1);
  return new DataView(bytes.buffer);
}

export function counterStep(sink: ByteSink): FieldStep {
  return {
    read(source, at) {
      const value = readPositiveLong(source, at);
      if (value < 0) return doubt;
      putUnsigned(sink, value);
      return source.at;
    },
    putAbsent: () => putUnsigned(sink, 0),
  };
}

/** `occurred_at` in µs: at most `aheadMsMax` ms ahead of the arrival, which stands for a missing one. */
export function timeStep(sink: ByteSink, aheadMsMax: number): FieldStep {
  return optionalStep(
    {
      read(source, at) {
        const micros = readPositiveLong(source, at);
        if (micros < 0 || micros > (source.arrivalMs + aheadMsMax) * 1000) return doubt;
        putUnsigned(sink, micros);
        return source.at;
      },
      putAbsent: () => undefined,
    },
    (source) => putUnsigned(sink, source.arrivalMs * 1000),
  );
}

export function fixedStep(sink: ByteSink, size: number): FieldStep {
  return {
    read(source, at) {
      if (at + size > source.end) return doubt;
      reserve(sink, size);
      for (let index = 0; index < size; index += 1)
        sink.view.setUint8(sink.length + index, source.view.getUint8(at + index));
      sink.length += size;
      return at + size;
    },
    putAbsent() {
      reserve(sink, size);
      for (let index = 0; index < size; index += 1) sink.view.setUint8(sink.length + index, 0);
      sink.length += size;
    },
  };
}

const nullBranch = 0;
const valueBranch = 2;

/** A union of null and one other type; `putNull` when it is null. */
export function optionalStep(value: FieldStep, putNull: (source: Source) => void = () => value.putAbsent()): FieldStep {
  return {
    read(source, at) {
      if (at >= source.end) return doubt;
      const branch = source.view.getUint8(at);
      if (branch === valueBranch) return value.read(source, at + 1);
      if (branch !== nullBranch) return doubt;
      putNull(source);
      return at + 1;
    },
    putAbsent: () => value.putAbsent(),
  };
}

/** The fields of a record, one behind the other. */
export function sequenceStep(fields: readonly FieldStep[]): FieldStep {
  const reads = fields.map(({ read }) => read);
  return {
    read(source, from) {
      let at = from;
      for (const read of reads) {
        at = read(source, at);
        if (at < 0) return doubt;
      }
      return at;
    },
    putAbsent: () => fields.forEach((field) => field.putAbsent()),
  };
}
