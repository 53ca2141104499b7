import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { partitionOf } from '@docket/event';
import type { LogRecord } from '@docket/event';
import fc from 'fast-check';

import { createTailBuffer } from '../../src/log/tail-buffer.ts';

const partitions = 4;
/** Tenants of one partition, and one of another. */
const names = Array.from({ length: 200 }, (_, index) => `tenant-${index}`);
const here = names.filter((name) => partitionOf(name, partitions) === 0).slice(0, 4);
const elsewhere = names.find((name) => partitionOf(name, partitions) !== 0) ?? '';

function record(key: string | null, offset: number, bytes = 10): LogRecord {
  const name = key === null ? null : Buffer.from(key);
  return { partition: 0, offset, timestampMs: 1, key: name, value: Buffer.alloc(bytes), headers: {} };
}

const newTail = (fromOffset = 0, bytesMax = 1_000_000): ReturnType<typeof createTailBuffer> =>
  createTailBuffer({ partition: 0, partitions, fromOffset, bytesMax });

const offsets = (records: readonly LogRecord[]): number[] => records.map(({ offset }) => offset);

describe('the tail of a partition', () => {
  const [a = '', b = ''] = here;

  test('keeps the watched logs only, and tells which grew', () => {
    const tail = newTail();
    tail.watch(a);
    tail.watch(elsewhere);
    const grown = tail.append([record(a, 0), record(b, 1), record(null, 2), record(elsewhere, 3), record(a, 5)], 7);
    expect([...grown]).toEqual([a]);
    expect(offsets(tail.after(a, -1, 10))).toEqual([0, 5]);
    expect(tail.after(elsewhere, -1, 10)).toEqual([]);
    expect(tail.endOffset()).toBe(7);
  });

  test('covers from where it began to read, or from where a log began to be watched', () => {
    const tail = newTail(10);
    tail.watch(a);
    expect([tail.covers(a, 8), tail.covers(a, 9), tail.covers(a, 50)]).toEqual([false, true, true]);
    expect(tail.covers(b, 50)).toBe(false);
    tail.append([record(b, 10)], 20);
    tail.watch(b);
    expect([tail.covers(b, 18), tail.covers(b, 19)]).toEqual([false, true]);
    tail.unwatch(b);
    expect(tail.covers(b, 50)).toBe(false);
  });

  test('I8: what it has dropped takes no memory, however large its records', () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const [tail, mebibyte] = [newTail(0, 1024 * 1024), 1024 * 1024];
    tail.watch(a);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let offset = 0; offset < 300; offset += 1) tail.append([record(a, offset, mebibyte / 4)], offset + 1);
    collect();
    // Of 75 MiB that were kept for a moment; V8 sweeps the last of them in its own time.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * mebibyte);
    expect(offsets(tail.after(a, -1, 10))).toEqual([297, 298, 299]);
  });

  test('I8: drops the oldest of all logs when it is full, and then no longer covers what it dropped', () => {
    const tail = newTail(0, 1_500);
    tail.watch(a);
    tail.watch(b);
    tail.append([record(a, 0, 100), record(b, 1, 100), record(a, 2, 100), record(a, 3, 100)], 4);
    expect(tail.bytes()).toBeLessThanOrEqual(1_500);
    expect(offsets(tail.after(a, -1, 10))).toEqual([2, 3]);
    expect([tail.covers(a, -1), tail.covers(a, 0), tail.covers(b, -1)]).toEqual([false, true, true]);
    tail.append([record(a, 4, 5_000)], 5);
    expect([tail.bytes(), tail.covers(a, 3), tail.covers(a, 4)]).toEqual([0, false, true]);
  });

  test('a kept record does not keep the fetch that it came in', () => {
    const fetched = Buffer.alloc(1_000_000);
    const tail = newTail();
    tail.watch(a);
    tail.append([{ ...record(a, 0), value: fetched.subarray(0, 10), headers: { h: fetched.subarray(0, 1) } }], 1);
    const [kept] = tail.after(a, -1, 1);
    expect(kept?.value?.buffer).not.toBe(fetched.buffer);
    expect(kept?.headers['h']?.buffer).not.toBe(fetched.buffer);
  });

  test('I3: whatever it covers it holds whole: the answer is every record of the log behind the offset', () => {
    const step = fc.record({
      key: fc.constantFrom(...here, elsewhere, null),
      gap: fc.nat({ max: 2 }),
      bytes: fc.nat({ max: 400 }),
      watch: fc.option(fc.constantFrom(...here)),
      unwatch: fc.option(fc.constantFrom(...here), { freq: 5 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 30 }), (steps, fromOffset) => {
        const tail = newTail(fromOffset, 3_000);
        const all: LogRecord[] = [];
        let next = fromOffset;
        for (const { key, gap, bytes, watch, unwatch } of steps) {
          if (watch !== null) tail.watch(watch);
          if (unwatch !== null) tail.unwatch(unwatch);
          const added = record(key, next + gap, bytes);
          all.push(added);
          next += gap + 1;
          tail.append([added], next);
          expect(tail.bytes()).toBeLessThanOrEqual(3_000);
        }
        for (const log of here) {
          for (let offset = fromOffset - 1; offset < next; offset += 1) {
            if (!tail.covers(log, offset)) continue;
            const expected = all.filter((one) => one.key?.toString() === log && one.offset > offset);
            expect(offsets(tail.after(log, offset, 1_000))).toEqual(offsets(expected));
          }
        }
      }),
    );
  });
});
