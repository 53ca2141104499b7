import { rfc3339OfMicros, type ScalarField, type Search, type TimeRange } from '@docket/event';
import type { HistogramAnswer } from '../answer-schemas.ts';

/** Widths of a bucket, as they are asked for, in µs. All of them divide a day, so that buckets begin at round times in UTC. */
const intervalMicros: Readonly<Record<string, number>> = {
  '1m': 60_000_000,
  '5m': 300_000_000,
  '15m': 900_000_000,
  '1h': 3_600_000_000,
  '6h': 21_600_000_000,
  '1d': 86_400_000_000,
};
export const intervalNames: readonly string[] = Object.keys(intervalMicros);

/** A day in minutes, or nearly three years in days: more is no picture. */
const bucketsMax = 1_500;
/** Without `interval` the narrowest that gives no more buckets than this: a chart has room for them, and 30 days of 6 h fit. */
const bucketsByDefault = 125;
const daysByDefault = 30;

/** Fields with few different values in one log. */
export const groupFields = [
  'action',
  'actor_type',
  'category',
  'operation',
  'outcome',
  'service',
  'severity',
  'status',
] as const satisfies readonly ScalarField[];
export type GroupField = (typeof groupFields)[number];

/** Buckets of equal width, from `firstMicros` on; the first and the last are cut by the range. */
export interface HistogramPlan {
  readonly from: number;
  readonly before: number;
  readonly interval: string;
  readonly intervalMicros: number;
  readonly firstMicros: number;
  readonly buckets: number;
}

export type PlannedHistogram =
  | { readonly ok: true; readonly plan: HistogramPlan }
  | { readonly ok: false; readonly parameter: string; readonly detail: string };

/** The buckets for a range: until now, and for 30 days, where it has no bounds. */
export function planHistogram(range: TimeRange, interval: string | undefined, nowMicros: number): PlannedHistogram {
  const before = range.before ?? nowMicros;
  const from = range.from ?? before - daysByDefault * 86_400_000_000;
  if (from >= before) return { ok: false, parameter: 'since', detail: 'is not before until, or now' };
  const plans = (interval === undefined ? intervalNames : [interval]).map((name) => planOf(name, from, before));
  const plan = plans.find(({ buckets }) => buckets <= bucketsByDefault) ?? plans.at(-1);
  if (plan === undefined || Number.isNaN(plan.buckets)) {
    return { ok: false, parameter: 'interval', detail: `is one of ${intervalNames.join(', ')}` };
  }
  if (plan.buckets <= bucketsMax) return { ok: true, plan };
  const detail = `of ${plan.interval} gives ${plan.buckets} buckets in this range; at most ${bucketsMax} are allowed`;
  return { ok: false, parameter: 'interval', detail };
}

function planOf(interval: string, from: number, before: number): HistogramPlan {
  const width = intervalMicros[interval] ?? Number.NaN;
  const firstMicros = Math.floor(from / width) * width;
  return {
    from,
    before,
    interval,
    intervalMicros: width,
    firstMicros,
    buckets: Math.ceil((before - firstMicros) / width),
  };
}

/** What the buckets cover, as a term of the search. */
export function rangeOfPlan({ from, before }: HistogramPlan): Search {
  return { kind: 'range', field: 'occurred_at', from, before };
}

/** Events of one bucket with one value; `counted_value` is empty for all others together. */
export interface HistogramRow {
  readonly bucket: number;
  readonly counted_value: string;
  readonly events: number;
}

/** Every bucket of the plan, in order, empty ones too. */
export function histogramAnswer(
  plan: HistogramPlan,
  rows: readonly HistogramRow[],
  isGrouped: boolean,
): HistogramAnswer {
  const byBucket = new Map<number, HistogramRow[]>();
  for (const row of rows) byBucket.set(row.bucket, [...(byBucket.get(row.bucket) ?? []), row]);
  const buckets = Array.from({ length: plan.buckets }, (_, index): HistogramAnswer['buckets'][number] => {
    const own = byBucket.get(index) ?? [];
    const named = own
      .filter(({ counted_value: value }) => value !== '')
      .toSorted((a, b) => b.events - a.events || (a.counted_value < b.counted_value ? -1 : 1));
    return {
      at: rfc3339OfMicros(plan.firstMicros + index * plan.intervalMicros),
      count: own.reduce((sum, { events }) => sum + events, 0),
      ...(isGrouped ? { values: named.map(({ counted_value: value, events }) => ({ value, count: events })) } : {}),
    };
  });
  return {
    since: rfc3339OfMicros(plan.from),
    until: rfc3339OfMicros(plan.before),
    interval: plan.interval,
    total: buckets.reduce((sum, { count }) => sum + count, 0),
    buckets,
  };
}
