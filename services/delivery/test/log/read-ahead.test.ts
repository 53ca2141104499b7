import { describe, expect, test } from '@jest/globals';
import { ClickHouseError } from '@docket/clickhouse';
import type { StoredEventRow } from '@docket/event';
import fc from 'fast-check';

import { createReadAhead, valueBytes } from '../../src/log/read-ahead.ts';
import { kafkaOf, storedLogOf } from '../log-for-tests.ts';

const never = new AbortController().signal;
const limit = 10;
const held = { rowsMax: 1_000, bytesMax: 2 * 1024 * 1024, sizeOf: valueBytes };

function logOf(records: number) {
  const kafka = kafkaOf(
    Array.from({ length: records }, () => 'acme'),
    [],
  );
  const world = { kafka, stored: records, firstSeq: 1, through: undefined };
  const stored = storedLogOf(world, () => 0);
  const asked: { afterSeq: number; limit: number }[] = [];
  const failing = { next: false };
  const read: typeof stored.rows = async (tenantId, afterSeq, rowsMax, signal) => {
    asked.push({ afterSeq, limit: rowsMax });
    if (failing.next) throw new Error('ClickHouse is away');
    return stored.rows(tenantId, afterSeq, rowsMax, signal);
  };
  return { world, asked, failing, ahead: createReadAhead(read, held) };
}

const seqsOf = (rows: readonly StoredEventRow[]): number[] => rows.map(({ seq }) => seq);
const seqsFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

describe('reading ahead of a subscriber that catches up', () => {
  test('it gives every row once and in order, and asks for more at a time the more is used, up to a limit', async () => {
    const { ahead, asked } = logOf(5_000);
    for (let afterSeq = 0; afterSeq < 5_000; afterSeq += limit)
      expect(seqsOf(await ahead.rows('sub', 'acme', afterSeq, limit, never))).toEqual(seqsFrom(afterSeq + 1, limit));
    const limits = asked.map((one) => one.limit);
    expect(Math.max(...limits)).toBe(1_000);
    expect(asked.length).toBeLessThan(30);
  });

  test('at the end of what is stored it asks again, and finds what came meanwhile', async () => {
    const { ahead, world } = logOf(25);
    world.stored = 15;
    expect(seqsOf(await ahead.rows('sub', 'acme', 0, limit, never))).toEqual(seqsFrom(1, 10));
    expect(seqsOf(await ahead.rows('sub', 'acme', 10, limit, never))).toEqual(seqsFrom(11, 5));
    expect(await ahead.rows('sub', 'acme', 15, limit, never)).toEqual([]);
    world.stored = 25;
    expect(seqsOf(await ahead.rows('sub', 'acme', 15, limit, never))).toEqual(seqsFrom(16, 10));
  });

  test('I8: of rows that were large it begins with as many as will fit, and does not read the others in vain', async () => {
    const { world } = logOf(100);
    const stored = storedLogOf(world, () => 0);
    const asked: number[] = [];
    const read: typeof stored.rows = (tenantId, afterSeq, rowsMax, signal) => {
      asked.push(rowsMax);
      return stored.rows(tenantId, afterSeq, rowsMax, signal);
    };
    const ahead = createReadAhead(read, { rowsMax: 1_000, bytesMax: 1_000, sizeOf: () => 250 });
    await ahead.rows('sub', 'acme', 0, limit, never);
    // Somebody else's place: nothing of what was read ahead is of use there.
    expect(seqsOf(await ahead.rows('sub', 'acme', 50, limit, never))).toEqual(seqsFrom(51, 4));
    expect(asked[0]).toBe(limit);
    expect(asked.slice(1).every((rows) => rows <= limit)).toBe(true);
    expect(asked).toContain(4);
  });

  test('I8: rows that are suddenly far larger are read by as many as an answer may hold, and not taken for the end', async () => {
    const sizes = { small: 1, large: 400 };
    const answerMax = 2_000;
    const { world } = logOf(3_000);
    const stored = storedLogOf(world, () => 0);
    const largest: number[] = [];
    const read: typeof stored.rows = async (...asked) => {
      const rows = await stored.rows(...asked);
      const size = rows.reduce((sum, { seq }) => sum + (seq > 2_000 ? sizes.large : sizes.small), 0);
      if (size > answerMax) throw new ClickHouseError(396, 'Limit for result exceeded');
      largest.push(size);
      return rows;
    };
    const ahead = createReadAhead(read, { ...held, bytesMax: 1e9 });
    const seqs: number[] = [];
    while (seqs.length < 3_000) {
      const rows = await ahead.rows('sub', 'acme', seqs.length, limit, never);
      expect(rows.length).toBeGreaterThan(0);
      seqs.push(...seqsOf(rows));
    }
    expect(seqs).toEqual(seqsFrom(1, 3_000));
    expect(Math.max(...largest)).toBeLessThanOrEqual(answerMax);
  });

  test('a single row that is too large is a failure', async () => {
    const ahead = createReadAhead<StoredEventRow>(async () => {
      throw new ClickHouseError(396, 'Limit for result exceeded');
    }, held);
    await expect(ahead.rows('sub', 'acme', 0, limit, never)).rejects.toThrow('exceeded');
  });

  test('a failed reading ahead is nobody’s failure; the one that is waited for is', async () => {
    const { ahead, failing } = logOf(100);
    await ahead.rows('sub', 'acme', 0, limit, never);
    failing.next = true;
    await ahead.rows('sub', 'acme', 10, limit, never);
    await expect(ahead.rows('sub', 'acme', 50, limit, never)).rejects.toThrow('away');
    failing.next = false;
    expect(seqsOf(await ahead.rows('sub', 'acme', 50, limit, never))).toEqual(seqsFrom(51, 10));
  });

  test('I6: whatever is asked by however many, the rows are those that follow the seq', async () => {
    const ask = fc.record({
      id: fc.nat({ max: 11 }).map(String),
      afterSeq: fc.nat({ max: 70 }),
      step: fc.boolean(),
      grow: fc.nat({ max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { maxLength: 80 }), async (asks) => {
        const { ahead, world } = logOf(60);
        world.stored = 20;
        const at = new Map<string, number>();
        for (const { id, afterSeq, step, grow } of asks) {
          const from = step ? (at.get(id) ?? 0) : afterSeq;
          const before = world.stored;
          const seqs = seqsOf(await ahead.rows(id, 'acme', from, limit, never));
          expect(seqs).toEqual(seqsFrom(from + 1, seqs.length));
          if (from < before) expect(seqs.length).toBeGreaterThan(0);
          at.set(id, seqs[Math.floor(seqs.length / 2)] ?? from);
          world.stored = Math.min(60, world.stored + grow);
        }
      }),
    );
  });
});
