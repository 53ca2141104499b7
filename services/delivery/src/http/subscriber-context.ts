import { authenticate, mayActOn } from '@docket/directory';
import type { Credential, DirectoryView, Scope, Subscription } from '@docket/directory';
import type { ClickHouse } from '@docket/clickhouse';
import { DocketError, noteForLog } from '@docket/runtime';
import type { Logger } from '@docket/runtime';
import type { Request } from 'express';

import type { Cursors } from '../cursors/kafka-cursors.ts';
import type { OwnEvents } from '../own-events.ts';
import type { BatchSender } from '../receivers/send-batch.ts';
import type { SubscriptionEncoding } from '../batches/subscription-encoding.ts';
import type { AskingLimit } from './asking-limit.ts';

/** What the subscriber's view is made of. Any instance can answer: each knows all cursors. */
export interface SubscriberContext {
  readonly directory: DirectoryView;
  readonly cursors: Cursors;
  readonly clickhouse: ClickHouse;
  readonly logger: Logger;
  readonly sender: BatchSender;
  readonly encodingOf: SubscriptionEncoding;
  readonly ownEvents: OwnEvents;
  readonly trustedProxyHops: number;
  /** Runs what reads or sends something for a caller. */
  readonly withinLimit: AskingLimit;
  /** Aborted when the process ends. */
  readonly stopping: AbortSignal;
  /** Of the events topic, or undefined until it was checked. */
  readonly generation: () => number | undefined;
}

/** Who asks, and about which subscription. Throws not_caught_up, unauthenticated, insufficient_scope; not_found also for another tenant's (I5). */
export function subscriptionOf(
  { directory }: Pick<SubscriberContext, 'directory'>,
  req: Request,
  scopes: readonly Scope[],
): { readonly caller: Credential; readonly subscription: Subscription } {
  if (!directory.isCaughtUp()) throw new DocketError('not_caught_up', 'The directory has not been read to its end.');
  const identified = authenticate(directory, req.get('authorization'), Date.now());
  if (!identified.ok) throw new DocketError(identified.code, identified.detail);
  const { credential: caller } = identified;
  noteForLog(req, { keyId: caller.keyId });
  if (!scopes.some((scope) => caller.scopes.includes(scope))) {
    throw new DocketError('insufficient_scope', `This needs the scope ${scopes.join(' or ')}.`);
  }
  const { id } = req.params;
  const subscription = typeof id === 'string' ? directory.subscription(id) : undefined;
  if (subscription === undefined || !mayActOn(caller, subscription.tenant_id)) {
    throw new DocketError('not_found', 'No such subscription.');
  }
  return { caller, subscription };
}
