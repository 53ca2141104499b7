import { putByte, reserve, type ByteSink } from '../columns/byte-sink.ts';

/** A long in its shortest zigzag form; −2^52 ≤ `value` < 2^53. */
export function putLong(out: ByteSink, value: number): void {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  while (rest >= 0x80) {
    putByte(out, (rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  putByte(out, rest);
}

/** Below this a loop is faster than the view that a copy needs. */
const shortBytes = 48;

export function putRange(out: ByteSink, bytes: Uint8Array, from: number, to: number): void {
  const length = to - from;
  reserve(out, length);
  if (length < shortBytes) {
    for (let index = 0; index < length; index += 1) out.buffer[out.length + index] = bytes[from + index] ?? 0;
  } else {
    out.buffer.set(bytes.subarray(from, to), out.length);
  }
  out.length += length;
}
