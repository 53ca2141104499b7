import { readAttempts, readLogBounds, readReceivedAt } from '@docket/clickhouse';
import type { ClickHouse } from '@docket/clickhouse';
import type { Subscription } from '@docket/directory';
import type { Logger } from '@docket/runtime';

import type { Standing } from './status-mapper.ts';

const deadlineMs = 5_000;
const attemptsMax = 20;

/** Reads what ClickHouse knows of a subscription whose cursor is at `seq`; undefined while it does not answer. */
export async function readStanding(
  clickhouse: ClickHouse,
  { id: subscriptionId, tenant_id: tenantId }: Subscription,
  seq: number,
  logger: Logger,
): Promise<Standing | undefined> {
  const options = { deadlineMs };
  const of = { tenantId, subscriptionId };
  try {
    const [bounds, attempts, [lastFailure]] = await Promise.all([
      readLogBounds(clickhouse, tenantId, options),
      readAttempts(clickhouse, { ...of, limit: attemptsMax, isFailed: false }, options),
      readAttempts(clickhouse, { ...of, limit: 1, isFailed: true }, options),
    ]);
    const { firstSeq, headSeq } = bounds;
    const next = Math.max(seq + 1, firstSeq);
    const nextReceivedAtMs =
      headSeq <= seq ? undefined : await readReceivedAt(clickhouse, { tenantId, seq: next }, options);
    return { headSeq, nextReceivedAtMs, attempts, lastFailure };
  } catch (error) {
    logger.warn({ err: error, subscription_id: subscriptionId }, 'standing.read_failed');
    return undefined;
  }
}
