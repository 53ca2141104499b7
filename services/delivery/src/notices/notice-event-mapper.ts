import type { Subscription } from '@docket/directory';
import { idFromIdempotencyKey, rfc3339OfMillis } from '@docket/event';
import type { EventInput, EventMatcher } from '@docket/event';

import type { Notice, NoticeKind } from './notice-mapper.ts';

/** How Docket's own events about subscriptions begin. */
const actionPrefix = 'docket.subscription.';

const outcomes = {
  failing: { outcome: 'failure', severity: 'medium' },
  suspended: { outcome: 'failure', severity: 'high' },
  recovered: { outcome: 'success', severity: 'info' },
} as const satisfies Record<NoticeKind, { outcome: EventInput['outcome']; severity: EventInput['severity'] }>;

/** The event that tells of a subscription, for its tenant's log. The same notice is the same event, whoever writes it and however often: what repeats it is a duplicate. */
export function eventOfNotice(
  { id: subscriptionId, tenant_id: tenantId, name }: Pick<Subscription, 'id' | 'tenant_id' | 'name'>,
  { kind, sinceMs, error, atMs }: Notice,
): EventInput & { readonly id: string; readonly tenant_id: string } {
  const since = rfc3339OfMillis(sinceMs);
  return {
    id: idFromIdempotencyKey(tenantId, `${subscriptionId} ${kind} ${since} ${kind === 'recovered' ? atMs : ''}`, 0),
    tenant_id: tenantId,
    occurred_at: rfc3339OfMillis(atMs),
    action: `${actionPrefix}${kind}`,
    category: 'configuration',
    operation: 'other',
    ...outcomes[kind],
    ...(error === '' ? {} : { outcome_reason: error }),
    actor: { type: 'service', id: 'docket-delivery' },
    resources: [{ type: 'subscription', id: subscriptionId, name: name.toWellFormed() }],
    source: { service: 'docket-delivery' },
    metadata: { failing_since: since },
  };
}

/** What a notice can be told by. */
interface Named {
  readonly action?: string | undefined;
  readonly resources?: readonly { readonly id: string }[] | undefined;
}

const noticeActions: ReadonlySet<string> = new Set(Object.keys(outcomes).map((kind) => `${actionPrefix}${kind}`));

/**
 * Tells notices of a subscription itself: it is not sent them, because they would have to be delivered to tell of deliveries that fail. What people
 * change of it is sent to it as to any other.
 */
export type OwnNotices = (event: Named) => boolean;

export function ownNoticesOf(subscriptionId: string): OwnNotices {
  return ({ action = '', resources = [] }) =>
    noticeActions.has(action) && resources.some(({ id }) => id === subscriptionId);
}

/** Whether the text of an event may be of a notice: it is not read for nothing. */
export function mayBeNotice(text: Buffer): boolean {
  return text.includes(`"${actionPrefix}`);
}

/** What a filter wants, without the notices of the subscription itself. */
export function withoutOwnNotices(subscriptionId: string, matches: EventMatcher): EventMatcher {
  const isOwn = ownNoticesOf(subscriptionId);
  return (stored) => !isOwn(stored.event) && matches(stored);
}
