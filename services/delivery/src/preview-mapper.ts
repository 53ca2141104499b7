import type { Subscription } from '@docket/directory';

import type { PreviewedRequest } from './answer-schemas.ts';
import type { BatchEncoding } from './batches/batch-encoding.ts';
import { buildBatch } from './batches/batch-mapper.ts';
import type { Batch } from './batches/batch-mapper.ts';
import type { LogEntry } from './batches/log-entry-mapper.ts';
import { requestOf } from './sinks/sink-rules.ts';
import { noneSkipped } from './batches/skipped-counts.ts';

/** Stands for the secret, which a preview does not need: it is never opened for one. */
const noSecret = { webhook: `whsec_${Buffer.alloc(32).toString('base64')}`, token: '(secret)' } as const;

/**
 * The requests that would carry these entries, in the order of the log, as the sink is sent them: its URL, its headers without what proves who sends, its
 * bodies byte for byte. `entries` are consecutive, and begin with the first event that is to be shown.
 * @param prevEventSeq the event before them, as far as it is known.
 */
export function previewOf(
  subscription: Subscription,
  entries: readonly LogEntry[],
  encoding: BatchEncoding,
  { prevEventSeq, nowMs }: { readonly prevEventSeq: number; readonly nowMs: number },
): PreviewedRequest[] {
  const { id: subscriptionId, tenant_id: tenantId, updated_at: edition, batch: limits } = subscription;
  const requests: PreviewedRequest[] = [];
  let rest = entries;
  let eventSeq = prevEventSeq;
  while (rest.some(({ kind }) => kind === 'event')) {
    const prevToSeq = (rest[0]?.seq ?? 1) - 1;
    const origin = { subscriptionId, tenantId, edition, prevToSeq, prevEventSeq: eventSeq, passed: noneSkipped };
    const batch = buildBatch(origin, rest, { eventsMax: limits.max_events, bytesMax: limits.max_bytes }, encoding);
    if (batch === undefined) return requests;
    requests.push(...shownRequest(subscription, batch, nowMs));
    rest = rest.filter(({ seq }) => seq > batch.toSeq);
    ({ eventSeq } = batch);
  }
  return requests;
}

/** None for what the sink is not told, such as a batch without events. */
function shownRequest(subscription: Subscription, batch: Batch, nowMs: number): PreviewedRequest[] {
  if (batch.body.length === 0) return [];
  const secrets = [subscription.sink.type === 'webhook' ? noSecret.webhook : noSecret.token];
  const names = subscription.sink.type === 'webhook' ? (subscription.sink.headers?.names ?? []) : [];
  const headersOfOwner = Object.fromEntries(names.map((name) => [name, noSecret.token]));
  const outgoing = { subscriptionId: subscription.id, batch, secrets, headers: headersOfOwner, nowMs };
  const request = requestOf(subscription, outgoing);
  if (request === undefined) return [];
  const { url, headers, body } = request;
  const shown = Object.entries(headers).map(([name, value]) => [name, shownHeader(name, value)]);
  return [{ method: 'POST', url, headers: Object.fromEntries(shown), body: body.toString(), events: batch.eventCount }];
}

/** What a secret is part of is named, not shown. */
function shownHeader(name: string, value: string): string {
  switch (name) {
    case 'authorization':
      return value === noSecret.token ? value : `${value.split(' ')[0] ?? ''} (secret)`;
    case 'webhook-signature':
      return 'v1,(signature)';
    default:
      return value;
  }
}
