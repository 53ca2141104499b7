import type { Credential, DirectoryReader } from '@docket/directory';
import { requestIdOf } from '@docket/runtime';
import type { ApiRouter } from '@docket/runtime';
import type { Response } from 'express';

import { eventOfParked } from '../change-event-mapper.ts';
import type { ParkedDeed } from '../change-event-mapper.ts';
import { dismissParkedEvents, listParkedEvents, replayParkedEvents } from '../endpoints.ts';
import { readPageRequest } from '../page-policy.ts';
import { chosenParked, parkedPage, readSeqs } from '../parked-policy.ts';
import type { ReplayBody } from '../request-schemas.ts';
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

  /** Writes what is done about parked events, and the event of it, in one transaction; gives how many these are. */
  const order = async (
    res: Response,
    { caller, body, deed }: { readonly caller: Credential; readonly body: ReplayBody; readonly deed: ParkedDeed },
  ): Promise<number> => {
    const decide = (directory: DirectoryReader) => {
      const subscription = findSubscription(directory, caller, idOf(res.req));
      return { result: { subscription, chosen: chosenParked(parked.of(subscription.id), body) } };
    };
    const { subscription, chosen } = await changeDirectory(context, res, {
      kind: 'subscription',
      caller,
      decide,
      beside: ({ result }, origin) => {
        if (result.chosen.length === 0) return [];
        const { id, tenant_id: tenantId } = result.subscription;
        const partition = eventRecords.partitionOf(tenantId);
        const isDismissal = deed === 'parked_dismissed';
        return [
          ...(isDismissal ? parked.dismiss(id, result.chosen, partition) : parked.askFor(id, result.chosen, partition)),
          ...eventRecords.of([eventOfParked(deed, result.subscription, result.chosen, origin)]),
        ];
      },
    });
    const line = { by_key: caller.keyId, subscription_id: subscription.id, events: chosen.length };
    logger.info({ request_id: requestIdOf(res), ...line }, `subscription.${deed}`);
    return chosen.length;
  };

  router.add(replayParkedEvents, async (req, res) => {
    const caller = callerOf(context, req, replayParkedEvents.access);
    const body = await bodyOf(req, replayParkedEvents.body);
    res.status(202).json({ requested: await order(res, { caller, body, deed: 'parked_replay_started' }) });
  });

  router.add(dismissParkedEvents, async (req, res) => {
    const caller = callerOf(context, req, dismissParkedEvents.access);
    const body = readSeqs(req.query['seqs']);
    res.status(202).json({ dismissed: await order(res, { caller, body, deed: 'parked_dismissed' }) });
  });
}
