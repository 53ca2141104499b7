import { describe, expect, test } from '@jest/globals';
import type { DeliveryAttempt } from '@docket/event';
import { storeAttempts, type AttemptsAnswer } from '../src/store-attempts.ts';

function attemptAt(n: number): DeliveryAttempt {
  return {
    attempt_id: `0199f3c2-0000-7000-8000-${String(n).padStart(12, '0')}`,
    tenant_id: 'acme',
    subscription_id: 'sub_1',
    from_seq: n,
    to_seq: n,
    event_count: 1,
    body_bytes: 2,
    try: 1,
    started_at: 1000,
    duration_ms: 3,
    outcome: 'delivered',
    http_status: 200,
    error: '',
    answer_excerpt: '',
  };
}

/** A table that takes no batch with a bad row in it; counts what it was asked. */
async function store(rows: number, bad: readonly number[], givesUpAfter = Infinity) {
  const stored: number[] = [];
  const refused: number[] = [];
  let inserts = 0;
  const insert = async (part: readonly DeliveryAttempt[]): Promise<AttemptsAnswer> => {
    inserts += 1;
    if (inserts > givesUpAfter) return { kind: 'given_up' };
    if (part.some(({ from_seq: n }) => bad.includes(n))) return { kind: 'refused', detail: 'Code 469' };
    stored.push(...part.map(({ from_seq: n }) => n));
    return { kind: 'stored' };
  };
  const attempts = Array.from({ length: rows }, (_, n) => attemptAt(n));
  const isDone = await storeAttempts(attempts, { insert, onRefused: ({ from_seq: n }) => void refused.push(n) });
  return { isDone, stored, refused, inserts };
}

describe('storeAttempts', () => {
  test('stores everything at once when nothing is refused', async () => {
    expect(await store(100, [])).toMatchObject({ isDone: true, refused: [], inserts: 1 });
    expect(await store(0, [])).toMatchObject({ isDone: true, inserts: 0 });
  });

  test.each([[[0]], [[99]], [[3, 4, 50]], [Array.from({ length: 100 }, (_, n) => n)]])(
    'leaves out exactly the rows that are refused: %j',
    async (bad) => {
      const { isDone, stored, refused } = await store(100, bad);
      expect(isDone).toBe(true);
      expect(refused).toEqual(bad);
      expect(stored).toEqual(Array.from({ length: 100 }, (_, n) => n).filter((n) => !bad.includes(n)));
    },
  );

  test('ends when nobody waits any more', async () => {
    expect(await store(100, [7], 3)).toMatchObject({ isDone: false, inserts: 4 });
  });
});
