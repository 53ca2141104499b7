import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { decodeBatch, findBatch } from '../../src/fetch/record-batch-decoder.ts';
import { encodeRecordBatch } from '../../src/produce/record-batch-encoder.ts';
import type { BatchRecord } from '../../src/produce/record-batch-encoder.ts';

const nowMs = 1_795_000_000_123;

async function readBack(bytes: Buffer) {
  const found = findBatch(bytes, 0);
  if (found?.ok !== true) throw new Error(`no whole batch: ${JSON.stringify(found)}`);
  expect(found.end).toBe(bytes.length);
  const decoded = await decodeBatch(found.batch, 3);
  if (!decoded.ok) throw new Error(decoded.unreadable.detail);
  return { batch: found.batch, records: decoded.records };
}

const asBytes = (value: Buffer | string | null | undefined): Buffer | null =>
  value === null || value === undefined ? null : Buffer.from(value);

const payload = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const record: fc.Arbitrary<BatchRecord> = fc.record({
  key: fc.option(fc.oneof(payload, fc.string({ unit: 'grapheme', maxLength: 100 }))),
  value: fc.option(payload),
  headers: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 70 }),
    fc.oneof(payload, fc.string({ unit: 'grapheme', maxLength: 80 })),
    { maxKeys: 4 },
  ),
});

test('what is written is read back, record by record, with a checksum that fits', () =>
  fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 80 }), async (records) => {
      const { batch, records: found } = await readBack(encodeRecordBatch(records, nowMs));
      expect(batch).toMatchObject({ baseOffset: 0, lastOffset: records.length - 1, count: records.length, codec: 0 });
      expect(batch).toMatchObject({
        producerId: -1n,
        isTransactional: false,
        isControl: false,
        baseTimestampMs: nowMs,
      });
      expect(found).toHaveLength(records.length);
      records.forEach(({ key, value, headers }, index) => {
        const one = found[index];
        expect(one).toMatchObject({ offset: index, timestampMs: nowMs });
        expect([one?.key, one?.value]).toEqual([asBytes(key), asBytes(value)]);
        expect(Object.entries({ ...one?.headers })).toEqual(
          Object.entries(headers).map(([name, bytes]) => [name, asBytes(bytes)]),
        );
      });
    }),
  ));

test('lengths and places around where a varint takes another byte', async () => {
  const sizes = [0, 1, 62, 63, 64, 65, 8_190, 8_191, 8_192, 1_048_570, 1_048_576];
  for (const size of sizes) {
    const { records } = await readBack(
      encodeRecordBatch([{ key: 'k', value: Buffer.alloc(size, 7), headers: {} }], nowMs),
    );
    expect(records[0]?.value?.length).toBe(size);
  }
  const many = Array.from({ length: 8_300 }, (_, n) => ({ key: String(n), value: null, headers: {} }));
  const { records } = await readBack(encodeRecordBatch(many, nowMs));
  expect(records.map(({ key }) => String(key))).toEqual(many.map(({ key }) => key));
});
