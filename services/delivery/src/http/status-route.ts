import type { ApiRouter } from '@docket/runtime';
import { DocketError } from '@docket/runtime';

import { readStanding } from '../clickhouse-standing.ts';
import { firstCursor } from '../cursor-mapper.ts';
import { getSubscriptionStatus } from '../endpoints.ts';
import { statusOf } from '../status-mapper.ts';
import { subscriptionOf } from './subscriber-context.ts';
import type { SubscriberContext } from './subscriber-context.ts';

export function addStatusRoute(router: ApiRouter, context: SubscriberContext): void {
  const { cursors, clickhouse, logger } = context;

  router.add(getSubscriptionStatus, async (req, res) => {
    const { subscription } = subscriptionOf(context, req, getSubscriptionStatus.access);
    const generation = context.generation();
    if (generation === undefined || !cursors.isCaughtUp()) {
      throw new DocketError('not_caught_up', 'The cursors have not been read to their end.');
    }
    const { id, start_after_seq: startAfterSeq } = subscription;
    const cursor = cursors.get(id) ?? firstCursor(startAfterSeq, generation);
    const standing = await readStanding(clickhouse, subscription, cursor.seq, logger);
    res.json(statusOf(subscription, cursor, { parked: cursors.parkedOf(id).length, standing, nowMs: Date.now() }));
  });
}
