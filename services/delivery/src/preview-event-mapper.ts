import { isIP } from 'node:net';
import type { Subscription } from '@docket/directory';
import { rfc3339OfMillis } from '@docket/event';
import type { EventInput } from '@docket/event';

/** An event takes 2 KiB of it, and a character three bytes at most. */
const userAgentCharactersMax = 682;

/** Tells in a log that what is in it was shown by a preview. */
export function eventOfPreview(
  { id: subscriptionId, tenant_id: tenantId, name }: Subscription,
  asked: {
    readonly id: string;
    readonly keyId: string;
    /** Events that were shown. */
    readonly results: number;
    readonly atMs: number;
    readonly requestId: string;
    readonly ip: string;
    readonly userAgent: string;
  },
): EventInput & { readonly id: string; readonly tenant_id: string } {
  const { ip, userAgent, requestId } = asked;
  return {
    id: asked.id,
    tenant_id: tenantId,
    occurred_at: rfc3339OfMillis(asked.atMs),
    action: 'docket.log.previewed',
    category: 'data',
    operation: 'read',
    actor: { type: 'api_key', id: asked.keyId, metadata: { key_id: asked.keyId, view: 'admin' } },
    resources: [
      { type: 'log', id: tenantId },
      { type: 'subscription', id: subscriptionId, name },
    ],
    context: {
      ...(isIP(ip) === 0 || ip.includes('%') ? {} : { ip }),
      ...(userAgent === '' ? {} : { user_agent: userAgent.slice(0, userAgentCharactersMax) }),
      ...(requestId === '' ? {} : { request_id: requestId }),
    },
    source: { service: 'docket-delivery' },
    metadata: { results: asked.results, reads: 1 },
  };
}
