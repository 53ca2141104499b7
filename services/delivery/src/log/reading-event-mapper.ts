import { viewOf } from '@docket/directory';
import type { Credential, Subscription } from '@docket/directory';
import { eventOfLogReading } from '@docket/event';
import type { EventInput, RequestOrigin } from '@docket/event';

/** Tells in a log that what is in it was shown, or counted, for a subscription: what the access trail tells of other readings. */
export function eventOfReading(
  kind: 'previewed' | 'counted',
  { id: subscriptionId, tenant_id: tenantId, name }: Pick<Subscription, 'id' | 'tenant_id' | 'name'>,
  reading: {
    readonly id: string;
    readonly atMs: number;
    readonly caller: Pick<Credential, 'keyId' | 'tenants'>;
    /** Events that were shown or counted. */
    readonly results: number;
    /** By name; empty texts are left out. */
    readonly asked: Readonly<Record<string, string>>;
    readonly origin: RequestOrigin;
  },
): EventInput & { readonly id: string } {
  const { caller, ...known } = reading;
  return eventOfLogReading({
    ...known,
    log: tenantId,
    kind,
    actor: { type: 'api_key', id: caller.keyId },
    credential: { key_id: caller.keyId, view: viewOf(caller) },
    resources: [
      { type: 'log', id: tenantId },
      { type: 'subscription', id: subscriptionId, name: name.toWellFormed() },
    ],
    service: 'docket-delivery',
    reads: 1,
    repeatsOf: null,
  });
}
