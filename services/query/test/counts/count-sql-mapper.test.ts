import { expect, test } from '@jest/globals';
import { histogramStatement } from '../../src/counts/count-sql-mapper.ts';
import { planHistogram } from '../../src/counts/histogram-mapper.ts';
import { parseFilter } from '../parameters.ts';

test('events without a value take none of the ten places of the frequent ones', () => {
  const planned = planHistogram({ from: 0, before: 3_600_000_000 }, '1h', 3_600_000_000);
  if (!planned.ok) throw new Error(planned.detail);
  const { sql } = histogramStatement({ search: parseFilter('').scoped, plan: planned.plan, by: 'service' });
  expect(sql).toMatch(/GROUP BY frequent_value HAVING frequent_value != '' ORDER BY .* LIMIT 10\n/);
});
