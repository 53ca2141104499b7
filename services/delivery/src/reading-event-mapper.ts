import { isIP } from 'node:net';
import type { Subscription } from '@docket/directory';
import { rfc3339OfMillis } from '@docket/event';
import type { EventInput } from '@docket/event';

/** A text of an event takes 2 KiB, and a character three bytes at most. */
const textCharactersMax = 682;

/** Where a question came from. */
export interface ReadingOrigin {
  readonly requestId: string;
  readonly ip: string;
  readonly userAgent: string;
}

/** Tells in a log that what is in it was shown, or counted, for a subscription: what the access trail tells of other readings. */
export function eventOfReading(
  kind: 'previewed' | 'counted',
  { id: subscriptionId, tenant_id: tenantId, name }: Subscription,
  reading: {
    readonly id: string;
    readonly atMs: number;
    readonly keyId: string;
    /** Events that were shown or counted. */
    readonly results: number;
    /** By name; empty texts are left out. */
    readonly asked: Readonly<Record<string, string>>;
    readonly origin: ReadingOrigin;
  },
): EventInput & { readonly id: string; readonly tenant_id: string } {
  const { ip, userAgent, requestId } = reading.origin;
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
      { type: 'subscription', id: subscriptionId, name },
    ],
    context: {
      ...(isIP(ip) === 0 || ip.includes('%') ? {} : { ip }),
      ...(userAgent === '' ? {} : { user_agent: userAgent.slice(0, textCharactersMax) }),
      ...(requestId === '' ? {} : { request_id: requestId }),
    },
    source: { service: 'docket-delivery' },
    metadata: {
      ...Object.fromEntries(asked.map(([member, text]) => [member, text.slice(0, textCharactersMax)])),
      results: reading.results,
      reads: 1,
    },
  };
}
