import { ClickHouseError, readMatching } from '@docket/clickhouse';
import type { Credential, Subscription } from '@docket/directory';
import { compileSearch, newEventId, parseFilter } from '@docket/event';
import type { Search } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { ApiRouter } from '@docket/runtime';
import type { Request, Response } from 'express';

import { previewSubscription } from '../endpoints.ts';
import { readNewestEntries } from '../log/newest-entries.ts';
import { withoutOwnNotices } from '../notices/notice-event-mapper.ts';
import { previewOf } from '../preview-mapper.ts';
import { eventOfReading } from '../log/reading-event-mapper.ts';
import { originOf } from './reading-origin.ts';
import { subscriptionOf } from './subscriber-context.ts';
import type { SubscriberContext } from './subscriber-context.ts';

const eventsMax = 10;
const dayMs = 86_400_000;
const deadlineMs = 10_000;

export function addPreviewRoute(router: ApiRouter, context: SubscriberContext): void {
  const { clickhouse, encodingOf, withinLimit, ownEvents, trustedProxyHops } = context;

  const read = async (subscription: Subscription, search: Search) => {
    const { tenant_id: tenantId } = subscription;
    const nowMs = Date.now();
    const matches = withoutOwnNotices(subscription.id, compileSearch(search));
    const day = { tenantId, search, receivedFromMs: nowMs - dayMs, receivedUntilMs: nowMs + dayMs };
    try {
      const [counted, newest] = await Promise.all([
        readMatching(clickhouse, day, { deadlineMs }),
        readNewestEntries(clickhouse, tenantId, { eventsMax, matches }),
      ]);
      const { entries, prevEventSeq } = newest;
      return {
        events: counted.events,
        requests: previewOf(subscription, entries, encodingOf(subscription), { prevEventSeq, nowMs }),
      };
    } catch (cause) {
      if (!(cause instanceof ClickHouseError)) throw cause;
      throw new DocketError('clickhouse_unavailable', 'The log cannot be read now.', { cause });
    }
  };

  /** A preview shows what is in the log, so it is told in it before it is answered, as every reading is. */
  const tell = (subscription: Subscription, caller: Credential, results: number, req: Request, res: Response) =>
    ownEvents.publish(
      eventOfReading('previewed', subscription, {
        id: newEventId(),
        atMs: Date.now(),
        caller,
        results,
        asked: {},
        origin: originOf(req, res, trustedProxyHops),
      }),
    );

  router.add(previewSubscription, async (req, res) => {
    const { caller, subscription } = subscriptionOf(context, req, previewSubscription.access);
    const parsed = parseFilter(subscription.filter ?? '');
    if (!parsed.ok) throw new Error(`the filter of ${subscription.id} cannot be read: ${parsed.error.detail}`);
    const { events, requests } = await withinLimit(subscription, () => read(subscription, parsed.search));
    const shown = requests.reduce((sum, request) => sum + request.events, 0);
    await tell(subscription, caller, shown, req, res);
    res.json({ events_last_day: events, requests });
  });
}
