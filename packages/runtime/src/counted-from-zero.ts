import type { Counter, LabelValues } from 'prom-client';

/**
 * The counter, with each of these series at 0: for labels whose values are known from the start. A series that only came with its first
 * increment would be 1 when it is first seen, and Prometheus' `increase` of it 0: an alert on it would miss the first time after each start.
 */
export function countedFromZero<Label extends string>(
  counter: Counter<Label>,
  series: readonly LabelValues<Label>[],
): Counter<Label> {
  for (const labels of series) counter.inc(labels, 0);
  return counter;
}
