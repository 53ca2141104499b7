import type { WebhookLayout, WebhookSink } from '@docket/directory';
import { webhookSecretBytes } from '@docket/directory';

import { withoutSinkLimits } from '../batch-encoding.ts';
import type { BatchEncoding } from '../batch-encoding.ts';
import { webhookHeaders } from '../webhook-signature-mapper.ts';
import type { WebhookRequest } from '../webhook-sender.ts';
import type { EventFormat } from '../formats/event-format.ts';
import type { Outgoing } from './outgoing.ts';

/** The envelope without its events. */
const envelopeBytes = 600;

/** The three layouts of a webhook's body. A batch without events is sent as an envelope only: it proves that nothing happened. */
export function webhookEncoding(layout: WebhookLayout, format: EventFormat): BatchEncoding {
  const event: BatchEncoding['event'] = (sent) => JSON.stringify(format(sent));
  switch (layout) {
    case 'batch':
      return { event, body: envelopeOf, frameBytes: envelopeBytes, joinBytes: 1, ...withoutSinkLimits };
    case 'single':
      return {
        event,
        body: ([text], { timestamp }) =>
          text === undefined ? '' : `{"type":"audit.event","timestamp":${JSON.stringify(timestamp)},"data":${text}}`,
        frameBytes: envelopeBytes,
        joinBytes: 1,
        ...withoutSinkLimits,
        eventsMax: 1,
      };
    case 'ndjson':
      return {
        event,
        body: (texts) => texts.map((text) => `${text}\n`).join(''),
        frameBytes: 0,
        joinBytes: 1,
        ...withoutSinkLimits,
      };
  }
}

const envelopeOf: BatchEncoding['body'] = (texts, summary) => {
  const { subscriptionId, tenantId, timestamp, prevToSeq, toSeq, skipped, asOf, replay } = summary;
  const range = { prev_to_seq: prevToSeq, from_seq: prevToSeq + 1, to_seq: toSeq, count: texts.length, skipped };
  const batch = asOf === null ? range : { ...range, as_of: asOf };
  const about = { subscription_id: subscriptionId, tenant_id: tenantId };
  const data = replay === null ? { ...about, batch } : { ...about, replay, batch };
  // The events are text already: they go in front of the two closing braces.
  return `${JSON.stringify({ type: 'audit.batch', timestamp, data }).slice(0, -2)},"events":[${texts.join(',')}]}}`;
};

/** A signed request (Standard Webhooks); undefined without a secret that can sign. */
export function webhookRequest(sink: WebhookSink, outgoing: Outgoing): WebhookRequest | undefined {
  const { batch, secrets, nowMs } = outgoing;
  const keys = secrets.flatMap((secret) => webhookSecretBytes(secret) ?? []);
  if (keys.length === 0) return undefined;
  const message = { id: batch.webhookId, timestampSeconds: Math.floor(nowMs / 1_000), body: batch.body };
  const contentType = sink.layout === 'ndjson' ? 'application/x-ndjson' : 'application/json';
  return {
    url: sink.url,
    headers: { ...webhookHeaders(message, keys), 'content-type': contentType },
    body: batch.body,
  };
}
