import type { Subscription } from '@docket/directory';
import { contextOfOrigin, cutBytes, rfc3339OfMillis } from '@docket/event';
import type { EventInput, RequestOrigin } from '@docket/event';

/** What a value of an event's metadata takes. */
const askedBytesMax = 2_048;

/** Tells in a log that what is in it was shown, or counted, for a subscription: what the access trail tells of other readings. */
export function eventOfReading(
  kind: 'previewed' | 'counted',
  { id: subscriptionId, tenant_id: tenantId, name }: Pick<Subscription, 'id' | 'tenant_id' | 'name'>,
  reading: {
    readonly id: string;
    readonly atMs: number;
    readonly keyId: string;
    /** Events that were shown or counted. */
    readonly results: number;
    /** By name; empty texts are left out. */
    readonly asked: Readonly<Record<string, string>>;
    readonly origin: RequestOrigin;
  },
): EventInput & { readonly id: string; readonly tenant_id: string } {
  const asked = Object.entries(reading.asked).filter(([, text]) => text !== '');
  return {
    id: reading.id,
    tenant_id: tenantId,
    occurred_at: rfc3339OfMillis(reading.atMs),
    action: `docket.log.${kind}`,
    category: 'data',
    operation: 'read',
    actor: { type: 'api_key', id: reading.keyId, metadata: { key_id: reading.keyId } },
    resources: [
      { type: 'log', id: tenantId },
      { type: 'subscription', id: subscriptionId, name: name.toWellFormed() },
    ],
    context: contextOfOrigin(reading.origin),
    source: { service: 'docket-delivery' },
    metadata: {
      ...Object.fromEntries(asked.map(([member, text]) => [member, cutBytes(text.toWellFormed(), askedBytesMax)])),
      results: reading.results,
      reads: 1,
    },
  };
}
