import type { ApiRouter } from '@docket/runtime';
import { requestIdOf } from '@docket/runtime';

import { listParkedEvents, replayParkedEvents } from '../endpoints.ts';
import { readPageRequest } from '../page-policy.ts';
import { chosenParked, parkedPage } from '../parked-policy.ts';
import { findSubscription } from '../subscription-policy.ts';
import { bodyOf, callerOf, idOf, sendPage } from './admin-context.ts';
import type { AdminContext } from './admin-context.ts';

export function addParkedRoutes(router: ApiRouter, context: AdminContext): void {
  const { view, parked, logger } = context;

  router.add(listParkedEvents, (req, res) => {
    const caller = callerOf(context, req, listParkedEvents.access);
    const { id } = findSubscription(view, caller, idOf(req));
    sendPage(req, res, parkedPage(parked.of(id), readPageRequest(req.query)));
  });

  router.add(replayParkedEvents, async (req, res) => {
    const caller = callerOf(context, req, replayParkedEvents.access);
    const body = await bodyOf(req, replayParkedEvents.body);
    const subscription = findSubscription(view, caller, idOf(req));
    const chosen = chosenParked(parked.of(subscription.id), body);
    await parked.ask(subscription, chosen, (await context.topology()).partitions);
    const line = { by_key: caller.keyId, subscription_id: subscription.id, events: chosen.length };
    logger.info({ request_id: requestIdOf(res), ...line }, 'parked.replay_asked');
    res.status(202).json({ requested: chosen.length });
  });
}
