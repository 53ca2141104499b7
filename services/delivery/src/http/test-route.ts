import { newEventId } from '@docket/event';
import type { ApiRouter } from '@docket/runtime';
import { requestIdOf } from '@docket/runtime';

import { testSubscription } from '../endpoints.ts';
import { buildTest } from '../batches/test-event-mapper.ts';
import { subscriptionOf } from './subscriber-context.ts';
import type { SubscriberContext } from './subscriber-context.ts';

export function addTestRoute(router: ApiRouter, context: SubscriberContext): void {
  const { sender, encodingOf, logger, withinLimit } = context;

  router.add(testSubscription, async (req, res) => {
    const { caller, subscription } = subscriptionOf(context, req, testSubscription.access);
    const { keyId } = caller;
    const asked = { eventId: newEventId(), keyId, nowMs: Date.now() };
    const batch = buildTest(subscription, asked, encodingOf(subscription));
    const sent = await withinLimit(subscription, () => {
      logger.info(
        { request_id: requestIdOf(res), by_key: keyId, subscription_id: subscription.id },
        'subscription.tested',
      );
      return sender.send(subscription, batch, 1, context.stopping);
    });
    const { outcome, status, error, excerpt } = sent;
    res.json({
      outcome: outcome.kind,
      duration_ms: Math.max(0, Date.now() - asked.nowMs),
      ...(status === 0 ? {} : { http_status: status }),
      ...(error === '' ? {} : { error }),
      ...(excerpt === '' ? {} : { answer_excerpt: excerpt }),
    });
  });
}
