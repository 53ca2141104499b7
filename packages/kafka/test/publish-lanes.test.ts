import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { encodeRecordBatch } from '../src/produce/record-batch-encoder.ts';
import { queuedBytesOf, takeGroups } from '../src/publish-lanes.ts';
import type { Entry, Lane } from '../src/publish-lanes.ts';

const limits = { partitionBytesMax: 100, partitionRecordsMax: 4, requestBytesMax: 250 };

function entry(bytes: number): Entry {
  return {
    record: { key: null, value: null, headers: {} },
    bytes,
    isSettled: false,
    settle: () => undefined,
  };
}

function lane(partition: number, sizes: readonly number[], isBusy = false): Lane {
  return { topic: 't', partition, waiting: sizes.map(entry), isBusy };
}

const taken = (lanes: Lane[]): [number, number[]][] =>
  takeGroups(lanes, limits).map((group) => [group.lane.partition, group.entries.map(({ bytes }) => bytes)]);

describe('what one produce request carries', () => {
  test('each partition at most once at a time, so that a retry never overtakes', () => {
    const lanes = [lane(0, [10], true), lane(1, [20])];
    expect(taken(lanes)).toEqual([[1, [20]]]);
    expect(taken(lanes)).toEqual([]);
  });

  test.each([
    ['below the byte limit', [50, 49], [50, 49]],
    ['at the byte limit', [50, 50], [50, 50]],
    ['above the byte limit', [50, 51], [50]],
    ['at the record limit', [1, 1, 1, 1], [1, 1, 1, 1]],
    ['above the record limit', [1, 1, 1, 1, 1], [1, 1, 1, 1]],
    ['one record over the limit goes alone', [101, 1], [101]],
  ])('a partition %s', (_name, sizes, expected) => {
    expect(taken([lane(0, sizes)])).toEqual([[0, expected]]);
  });

  test('a request ends with the partition that fills it', () => {
    expect(
      taken([lane(0, [100]), lane(1, [100]), lane(2, [100]), lane(3, [100])]).map(([partition]) => partition),
    ).toEqual([0, 1, 2]);
  });

  test('whatever is queued leaves in order, nothing lost and nothing doubled', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 20 }), { maxLength: 6 }),
        (sizes) => {
          const lanes = sizes.map((of, partition) => lane(partition, of));
          const sent = sizes.map((): number[] => []);
          for (let groups = takeGroups(lanes, limits); groups.length > 0; groups = takeGroups(lanes, limits)) {
            for (const group of groups) {
              sent[group.lane.partition]?.push(...group.entries.map(({ bytes }) => bytes));
              group.lane.isBusy = false;
            }
          }
          expect(sent).toEqual(sizes);
        },
      ),
    );
  });
});

test('a group takes no more bytes in its request than it counts, whatever its headers are', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 200 });
  const record = fc.record({
    key: fc.option(text),
    value: fc.option(fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes))),
    headers: fc.oneof(fc.dictionary(text, text, { maxKeys: 60 }), fc.constant({ ['€'.repeat(200)]: '€'.repeat(200) })),
  });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 40 }), (records) => {
      const counted = records.map(queuedBytesOf).reduce((sum, bytes) => sum + bytes, 0);
      expect(encodeRecordBatch(records, 0).length).toBeLessThanOrEqual(counted);
    }),
  );
});
