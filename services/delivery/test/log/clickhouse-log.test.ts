import { expect, test } from '@jest/globals';

import { createStoredLog } from '../../src/log/clickhouse-log.ts';
import { hangingClickHouse } from '../clickhouse-for-tests.ts';
import { generation, logger } from '../log-for-tests.ts';

test('I8: a ClickHouse that hangs is waited for until the deadline of whoever reads where the logs stand, and no longer', async () => {
  const { clickhouse, asked } = hangingClickHouse();
  const stored = createStoredLog(clickhouse, generation, logger);
  const ending = new AbortController();
  const reading = stored.readThrough([0], ending.signal);
  await asked;
  ending.abort();
  await expect(reading).rejects.toThrow('abort');
  expect(stored.through(0)).toBeUndefined();
});
