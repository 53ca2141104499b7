import { expect, test } from '@jest/globals';
import type { LogRecord } from '@docket/event';
import { sliceEnd } from '../src/slice-policy.ts';

const recordOf = (bytes: number): LogRecord => ({
  partition: 0,
  offset: 0,
  timestampMs: 0,
  key: null,
  value: Buffer.alloc(bytes),
  headers: {},
});

function slicesOf(sizes: readonly number[]): number[] {
  const records = sizes.map(recordOf);
  const slices: number[] = [];
  for (let from = 0; from < records.length; from += slices.at(-1) ?? 0) slices.push(sliceEnd(records, from) - from);
  return slices;
}

const mebibyte = 1024 * 1024;

test.each([
  ['no records', [], []],
  ['as many as a slice has', Array(500).fill(1), [500]],
  ['one more', Array(501).fill(1), [500, 1]],
  ['the largest events', Array(10).fill(mebibyte / 4), [4, 4, 2]],
  ['bytes just below the limit', [mebibyte - 1, 1, 1], [2, 1]],
  ['one that is more than a slice', [1, 20 * mebibyte, 1], [2, 1]],
  ['tombstones and empty values', Array(501).fill(0), [500, 1]],
])('I7: timers and sockets get their turn by records and by bytes: %s', (_name, sizes, expected) => {
  expect(slicesOf(sizes)).toEqual(expected);
});
