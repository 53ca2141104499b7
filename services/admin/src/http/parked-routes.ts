import type { DirectoryReader } from '@docket/directory';
import { requestIdOf } from '@docket/runtime';
import type { ApiRouter } from '@docket/runtime';

import { eventOfParkedReplay } from '../change-event-mapper.ts';
import { listParkedEvents, replayParkedEvents } from '../endpoints.ts';
import { readPageRequest } from '../page-policy.ts';
import { chosenParked, parkedPage } from '../parked-policy.ts';
import { findSubscription } from '../subscription-policy.ts';
import { bodyOf, callerOf, changeDirectory, idOf, sendPage } from './admin-context.ts';
import type { AdminContext } from './admin-context.ts';

export function addParkedRoutes(router: ApiRouter, context: AdminContext): void {
  const { view, parked, eventRecords, logger } = context;

  router.add(listParkedEvents, (req, res) => {
    const caller = callerOf(context, req, listParkedEvents.access);
    const { id } = findSubscription(view, caller, idOf(req));
    sendPage(req, res, parkedPage(parked.of(id), readPageRequest(req.query)));
  });

  router.add(replayParkedEvents, async (req, res) => {
    const caller = callerOf(context, req, replayParkedEvents.access);
    const body = await bodyOf(req, replayParkedEvents.body);
    const decide = (directory: DirectoryReader) => {
      const subscription = findSubscription(directory, caller, idOf(req));
      return { result: { subscription, chosen: chosenParked(parked.of(subscription.id), body) } };
    };
    const { subscription, chosen } = await changeDirectory(context, res, {
      kind: 'subscription',
      caller,
      decide,
      beside: ({ result }, origin) => {
        if (result.chosen.length === 0) return [];
        const { id, tenant_id: tenantId } = result.subscription;
        return [
          ...parked.askFor(id, result.chosen, eventRecords.partitionOf(tenantId)),
          ...eventRecords.of([eventOfParkedReplay(result.subscription, result.chosen, origin)]),
        ];
      },
    });
    const line = { by_key: caller.keyId, subscription_id: subscription.id, events: chosen.length };
    logger.info({ request_id: requestIdOf(res), ...line }, 'subscription.parked_replay_started');
    res.status(202).json({ requested: chosen.length });
  });
}
