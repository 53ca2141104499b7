import type { WebhookLayout, WebhookSink } from '@docket/directory';
import { webhookSecretBytes } from '@docket/directory';

import { withoutSinkLimits } from '../batches/batch-encoding.ts';
import type { BatchEncoding, BatchFrame, ReplayTag, SentEvent } from '../batches/batch-encoding.ts';
import { webhookHeaders } from '../receivers/webhook-signature-mapper.ts';
import type { WebhookRequest } from '../receivers/webhook-sender.ts';
import { nativeFormat } from '../formats/event-format.ts';
import type { EventFormat } from '../formats/event-format.ts';
import type { Outgoing } from './outgoing.ts';

/** The envelope without its events. */
const envelopeBytes = 600;

/** The three layouts of a webhook's body. A batch without events is sent as an envelope only: it proves that nothing happened. */
export function webhookEncoding(layout: WebhookLayout, format: EventFormat): BatchEncoding {
  const plain = {
    event: (sent: SentEvent) => JSON.stringify(format(sent)),
    isPlain: format === nativeFormat,
    ...withoutSinkLimits,
  };
  switch (layout) {
    case 'batch':
      return { ...plain, joint: ',', frame: envelopeOf, frameBytes: envelopeBytes };
    case 'single':
      return { ...plain, joint: '', frame: singleOf, frameBytes: envelopeBytes, eventsMax: 1 };
    case 'ndjson':
      return { ...plain, joint: '\n', frame: (events) => (events === 0 ? undefined : lastLine), frameBytes: 1 };
  }
}

/** A receiver that knows nothing of tests ignores a type that it does not know, as Standard Webhooks advise. */
const typeOf = (type: string, replay: ReplayTag | null): string => (replay === 'test' ? 'audit.test' : type);

const lastLine: BatchFrame = { head: '', foot: '\n' };

const singleOf: BatchEncoding['frame'] = (events, { timestamp, replay }) => {
  if (events === 0) return undefined;
  const type = typeOf('audit.event', replay);
  return { head: `{"type":"${type}","timestamp":${JSON.stringify(timestamp)},"data":`, foot: '}' };
};

const envelopeOf: BatchEncoding['frame'] = (events, summary) => {
  const { subscriptionId, tenantId, timestamp, prevToSeq, toSeq, skipped, asOf, replay } = summary;
  const range = { prev_to_seq: prevToSeq, from_seq: prevToSeq + 1, to_seq: toSeq, count: events, skipped };
  const batch = asOf === null ? range : { ...range, as_of: asOf };
  const about = { subscription_id: subscriptionId, tenant_id: tenantId };
  const data = replay === null ? { ...about, batch } : { ...about, replay, batch };
  // The events go in front of the two closing braces.
  const head = JSON.stringify({ type: typeOf('audit.batch', replay), timestamp, data }).slice(0, -2);
  return { head: `${head},"events":[`, foot: ']}}' };
};

/** A signed request (Standard Webhooks); undefined without a secret that can sign. */
export function webhookRequest(sink: WebhookSink, outgoing: Outgoing): WebhookRequest | undefined {
  const { batch, secrets, headers, nowMs } = outgoing;
  const keys = keysOf(secrets);
  if (keys.length === 0) return undefined;
  const message = { id: batch.webhookId, timestampSeconds: Math.floor(nowMs / 1_000), body: batch.body };
  const contentType = sink.layout === 'ndjson' ? 'application/x-ndjson' : 'application/json';
  return {
    url: sink.url,
    headers: { ...headers, ...webhookHeaders(message, keys), 'content-type': contentType },
    body: batch.body,
  };
}

/** The same list of secrets is asked for at each request. */
const knownKeys = new WeakMap<readonly string[], readonly Buffer[]>();

function keysOf(secrets: readonly string[]): readonly Buffer[] {
  const keys = knownKeys.get(secrets) ?? secrets.flatMap((secret) => webhookSecretBytes(secret) ?? []);
  knownKeys.set(secrets, keys);
  return keys;
}
