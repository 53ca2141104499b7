import { describe, expect, test } from '@jest/globals';
import { histogramAnswer, planHistogram } from '../../src/counts/histogram-mapper.ts';

const micros = (text: string): number => Date.parse(text) * 1_000;
const now = micros('2026-11-23T12:34:56Z');

describe('the plan', () => {
  test.each([
    ['2026-11-23T12:00:00Z', null, undefined, '1m', 35],
    ['2026-11-23T10:34:56Z', null, undefined, '1m', 121],
    ['2026-11-23T09:34:56Z', null, undefined, '5m', 37],
    ['2026-11-22T12:34:56Z', null, undefined, '15m', 97],
    [null, null, undefined, '6h', 121],
    ['2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z', '1m', '1m', 1_440],
    ['2026-11-23T00:00:00.5Z', '2026-11-23T00:00:01Z', '1d', '1d', 1],
    ['1969-12-30T12:00:00Z', '1970-01-02T00:00:00Z', '1d', '1d', 3],
  ])('from %s until %s, %s: buckets of %s, %i of them', (since, until, asked, interval, buckets) => {
    const range = { from: since === null ? null : micros(since), before: until === null ? null : micros(until) };
    const planned = planHistogram(range, asked, now);
    if (!planned.ok) throw new Error(planned.detail);
    const { plan } = planned;
    expect([plan.interval, plan.buckets]).toEqual([interval, buckets]);
    expect(plan.firstMicros).toBeLessThanOrEqual(plan.from);
    expect(plan.from - plan.firstMicros).toBeLessThan(plan.intervalMicros);
    expect(plan.firstMicros + plan.buckets * plan.intervalMicros).toBeGreaterThanOrEqual(plan.before);
  });

  test.each([
    ['an unknown interval', null, null, '2h', 'interval'],
    ['an interval of an object', null, null, 'constructor', 'interval'],
    ['too many buckets', micros('2026-11-22T11:00:00Z'), null, '1m', 'interval'],
    ['a range of centuries', micros('1900-01-01T00:00:00Z'), null, undefined, 'interval'],
    ['an empty range', now, now, undefined, 'since'],
    ['a range that begins after now', now + 1, null, undefined, 'since'],
  ])('%s is refused', (_, from, before, interval, parameter) => {
    expect(planHistogram({ from, before }, interval, now)).toMatchObject({ ok: false, parameter });
  });
});

test('the answer has every bucket, and values by count', () => {
  const planned = planHistogram(
    { from: micros('2026-11-23T00:30:00Z'), before: micros('2026-11-23T03:00:00Z') },
    '1h',
    now,
  );
  if (!planned.ok) throw new Error(planned.detail);
  const rows = [
    { bucket: 0, counted_value: 'a', events: 1 },
    { bucket: 0, counted_value: '', events: 4 },
    { bucket: 0, counted_value: 'b', events: 2 },
    { bucket: 2, counted_value: 'a', events: 7 },
  ];
  expect(histogramAnswer(planned.plan, rows, true)).toEqual({
    since: '2026-11-23T00:30:00.000000Z',
    until: '2026-11-23T03:00:00.000000Z',
    interval: '1h',
    total: 14,
    buckets: [
      {
        at: '2026-11-23T00:00:00.000000Z',
        count: 7,
        values: [
          { value: 'b', count: 2 },
          { value: 'a', count: 1 },
        ],
      },
      { at: '2026-11-23T01:00:00.000000Z', count: 0, values: [] },
      { at: '2026-11-23T02:00:00.000000Z', count: 7, values: [{ value: 'a', count: 7 }] },
    ],
  });
  expect(histogramAnswer(planned.plan, rows, false).buckets[0]).toEqual({
    at: '2026-11-23T00:00:00.000000Z',
    count: 7,
  });
});
