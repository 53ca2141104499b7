import { reserve, type ByteSink } from '../columns/byte-sink.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** Before this, in the year 2112, microseconds are exact, and years have four digits. */
export const exactTimesMs: number = 2 ** 52 / 1000;
const dateCharacters = 10;
const timeBytesMax = 32;
const quote = 0x22;

/** Of the last day that was written: most times of a batch are of one day. */
let lastDay = Number.NaN;
const lastDate = new Uint8Array(dateCharacters);

/**
 * Appends a time as JSON, as rfc3339OfMillis writes it, or with `micros`, from 0 to 999, as rfc3339OfMicros does. From 1970 on, before `exactTimesMs`.
 * @param micros −1: three digits of fraction only
 */
export function putJsonTime(sink: ByteSink, ms: number, micros: number): void {
  reserve(sink, timeBytesMax);
  const { buffer } = sink;
  const day = Math.floor(ms / dayMs);
  if (day !== lastDay) {
    lastDate.set(Buffer.from(new Date(day * dayMs).toISOString().slice(0, dateCharacters)));
    lastDay = day;
  }
  let at = sink.length;
  buffer[at++] = quote;
  for (let index = 0; index < dateCharacters; index += 1) buffer[at++] = lastDate[index] ?? 0;
  const inDay = ms - day * dayMs;
  const seconds = (inDay / 1000) | 0;
  const minutes = (seconds / 60) | 0;
  at = putTwo(buffer, at, 0x54, (minutes / 60) | 0);
  at = putTwo(buffer, at, 0x3a, minutes % 60);
  at = putTwo(buffer, at, 0x3a, seconds % 60);
  buffer[at++] = 0x2e;
  at = putThree(buffer, at, inDay - seconds * 1000);
  if (micros >= 0) at = putThree(buffer, at, micros);
  buffer[at++] = 0x5a;
  buffer[at++] = quote;
  sink.length = at;
}

function putTwo(buffer: Buffer, at: number, mark: number, value: number): number {
  const tens = (value / 10) | 0;
  buffer[at] = mark;
  buffer[at + 1] = 0x30 + tens;
  buffer[at + 2] = 0x30 + value - tens * 10;
  return at + 3;
}

function putThree(buffer: Buffer, at: number, value: number): number {
  const tens = (value / 10) | 0;
  const hundreds = (value / 100) | 0;
  buffer[at] = 0x30 + hundreds;
  buffer[at + 1] = 0x30 + tens - hundreds * 10;
  buffer[at + 2] = 0x30 + value - tens * 10;
  return at + 3;
}
