import type { Subscription } from '@docket/directory';

import type { BatchEncoding } from './batch-encoding.ts';
import { buildAside } from './batch-mapper.ts';
import type { Batch } from './batch-mapper.ts';
import type { LogEntry } from './log-entry-mapper.ts';

/** Of no record: seqs of a log begin at 1. A receiver that drops what it has seen loses nothing by it. */
const noSeq = 0;

/** An event that is in no log, to see whether the receiver takes what it would be sent. */
export function buildTest(
  { id: subscriptionId, tenant_id: tenantId, name, updated_at: edition }: Subscription,
  asked: { readonly eventId: string; readonly keyId: string; readonly nowMs: number },
  encoding: BatchEncoding,
): Batch {
  const now = new Date(asked.nowMs).toISOString();
  const entry: Extract<LogEntry, { kind: 'event' }> = {
    seq: noSeq,
    receivedAtMs: asked.nowMs,
    kind: 'event',
    event: {
      id: asked.eventId,
      seq: noSeq,
      tenant_id: tenantId,
      occurred_at: now,
      received_at: now,
      action: 'docket.subscription.tested',
      category: 'other',
      operation: 'other',
      outcome: 'success',
      severity: 'info',
      actor: { type: 'api_key', id: asked.keyId },
      resources: [{ type: 'subscription', id: subscriptionId, name: name.toWellFormed() }],
      description: 'A test of this subscription. It is in no log.',
      source: { service: 'docket-delivery' },
    },
  };
  const origin = { subscriptionId, tenantId, edition };
  return buildAside(origin, entry, { replay: 'test', time: asked.nowMs }, encoding);
}
