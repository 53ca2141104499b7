import type { ApiRouter } from '@docket/runtime';
import type { Subscription } from '@docket/directory';
import { DocketError } from '@docket/runtime';

import { readStanding } from '../clickhouse-standing.ts';
import { firstCursor, unreadableCursor } from '../cursors/cursor-mapper.ts';
import { getSubscriptionStatus } from '../endpoints.ts';
import { statusOf } from '../status-mapper.ts';
import type { Standing } from '../status-mapper.ts';
import { createAskingLimit } from './asking-limit.ts';
import { subscriptionOf } from './subscriber-context.ts';
import type { SubscriberContext } from './subscriber-context.ts';

export function addStatusRoute(router: ApiRouter, context: SubscriberContext): void {
  const { cursors, clickhouse, logger } = context;
  // Of its own: a test of the receiver may take half a minute.
  const withinLimit = createAskingLimit();
  const underWay = new Map<string, Promise<Standing | undefined>>();

  /** However many ask about a subscription at once, ClickHouse is asked once. */
  const standingOf = (subscription: Subscription, seq: number): Promise<Standing | undefined> => {
    const { id } = subscription;
    const known = underWay.get(id);
    if (known !== undefined) return known;
    const asked = withinLimit(subscription, () => readStanding(clickhouse, subscription, seq, logger));
    underWay.set(id, asked);
    return asked.finally(() => underWay.delete(id));
  };

  router.add(getSubscriptionStatus, async (req, res) => {
    const { subscription } = subscriptionOf(context, req, getSubscriptionStatus.access);
    const generation = context.generation();
    if (generation === undefined || !cursors.isCaughtUp()) {
      throw new DocketError('not_caught_up', 'The cursors have not been read to their end.');
    }
    const { id, start_after_seq: startAfterSeq } = subscription;
    const unreadable = cursors.unreadable(id);
    const cursor =
      unreadable === undefined
        ? (cursors.get(id) ?? firstCursor(startAfterSeq, generation))
        : unreadableCursor(unreadable, generation);
    const standing = await standingOf(subscription, cursor.seq);
    res.json(statusOf(subscription, cursor, { parked: cursors.parkedOf(id).length, standing, nowMs: Date.now() }));
  });
}
