import type { Sink, SinkType, Subscription } from '@docket/directory';

import type { BatchEncoding } from '../batches/batch-encoding.ts';
import { nativeFormat, nativeFormatForIndexes } from '../formats/event-format.ts';
import type { EventFormat } from '../formats/event-format.ts';
import { ocsfFormat } from '../formats/ocsf-mapper.ts';
import type { EventMask } from '../batches/mask-policy.ts';
import type { Answer } from '../machine/outcome-policy.ts';
import type { WebhookRequest } from '../receivers/webhook-sender.ts';
import { datadogEncoding, datadogRequest } from './datadog-mapper.ts';
import { datadogVerdict } from './datadog-policy.ts';
import { elasticBulkEncoding, elasticBulkRequest } from './elastic-bulk-mapper.ts';
import { elasticBulkVerdict } from './elastic-bulk-policy.ts';
import type { Outgoing } from './outgoing.ts';
import type { Verdict } from './sink-answer.ts';
import { splunkHecEncoding, splunkHecRequest } from './splunk-hec-mapper.ts';
import { splunkHecVerdict } from './splunk-hec-policy.ts';
import { webhookEncoding, webhookRequest } from './webhook-mapper.ts';
import { webhookVerdict } from './webhook-policy.ts';

/** They are asked for at every batch of a subscription, and are the same until it changes. */
const encodings = new WeakMap<Subscription, BatchEncoding>();

/** How the subscription's sink writes a batch of events that `mask` has gone over. Throws for a subscription with a mask that is not given it. */
export function encodingOf(subscription: Subscription, mask?: EventMask): BatchEncoding {
  const encoding = encodings.get(subscription) ?? newEncodingOf(subscription);
  encodings.set(subscription, encoding);
  // No text that was written before the mask is the event as it is sent.
  if (mask !== undefined) return { ...encoding, isPlain: false, event: (sent) => encoding.event(mask(sent)) };
  if ((subscription.mask ?? []).length > 0) throw new Error(`the mask of ${subscription.id} was forgotten`);
  return encoding;
}

function newEncodingOf({ sink, format: chosen = 'native' }: Subscription): BatchEncoding {
  const format = formatOf(chosen, sink.type);
  switch (sink.type) {
    case 'webhook':
      return webhookEncoding(sink.layout ?? 'batch', format);
    case 'splunk_hec':
      return splunkHecEncoding(sink, format);
    case 'datadog':
      return datadogEncoding(sink, format);
    case 'elastic_bulk':
      return elasticBulkEncoding(format);
  }
}

function formatOf(chosen: NonNullable<Subscription['format']>, type: SinkType): EventFormat {
  switch (chosen) {
    case 'native':
      return type === 'elastic_bulk' ? nativeFormatForIndexes : nativeFormat;
    case 'ocsf':
      return ocsfFormat;
  }
}

/** Whether the sink has a body for a batch without events, which proves that nothing happened or accounts for what was passed. */
export function tellsWithoutEvents(sink: Sink): boolean {
  return sink.type === 'webhook' && (sink.layout ?? 'batch') === 'batch';
}

/** The request that carries a batch; undefined when there is no secret of the kind that the sink needs. */
export function requestOf({ sink }: Subscription, outgoing: Outgoing): WebhookRequest | undefined {
  switch (sink.type) {
    case 'webhook':
      return webhookRequest(sink, outgoing);
    case 'splunk_hec':
      return splunkHecRequest(sink, outgoing);
    case 'datadog':
      return datadogRequest(sink, outgoing);
    case 'elastic_bulk':
      return elasticBulkRequest(sink, outgoing);
  }
}

/** What an answer means, by the sink's own documentation. */
export function verdictOf(type: SinkType, answer: Answer, eventCount: number): Verdict {
  switch (type) {
    case 'webhook':
      return webhookVerdict(answer, eventCount);
    case 'splunk_hec':
      return splunkHecVerdict(answer, eventCount);
    case 'datadog':
      return datadogVerdict(answer, eventCount);
    case 'elastic_bulk':
      return elasticBulkVerdict(answer, eventCount);
  }
}
