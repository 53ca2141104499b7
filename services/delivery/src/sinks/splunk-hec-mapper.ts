import { createHash } from 'node:crypto';
import type { SplunkHecSink } from '@docket/directory';

import type { BatchEncoding } from '../batches/batch-encoding.ts';
import type { EventFormat } from '../formats/event-format.ts';
import type { WebhookRequest } from '../receivers/webhook-sender.ts';
import { endpointUrl } from './endpoint-url.ts';
import type { Outgoing } from './outgoing.ts';

/** Splunk Cloud's limit of a request. */
const bytesMax = 1_000_000;
const splunkDefaults = { source: 'docket', sourcetype: 'docket:audit' } as const;

/** HTTP Event Collector, event endpoint: JSON objects one behind the other, not an array. */
export function splunkHecEncoding(sink: SplunkHecSink, format: EventFormat): BatchEncoding {
  const { source = splunkDefaults.source, sourcetype = splunkDefaults.sourcetype, index, host } = sink;
  const about = {
    ...(host === undefined ? {} : { host }),
    source,
    sourcetype,
    ...(index === undefined ? {} : { index }),
  };
  return {
    // Splunk's time is in seconds; its fraction is kept to the millisecond, and the event has the microseconds.
    event: (sent) => JSON.stringify({ time: Date.parse(sent.occurred_at) / 1_000, ...about, event: format(sent) }),
    isPlain: false,
    joint: '',
    frame: (events) => (events === 0 ? undefined : { head: '', foot: '' }),
    frameBytes: 0,
    eventsMax: Number.POSITIVE_INFINITY,
    bytesMax,
  };
}

/** undefined without a token. */
export function splunkHecRequest(sink: SplunkHecSink, outgoing: Outgoing): WebhookRequest | undefined {
  const { batch, secrets, subscriptionId } = outgoing;
  const [token] = secrets;
  if (token === undefined) return undefined;
  return {
    url: endpointUrl(sink.url, '/services/collector/event'),
    headers: {
      authorization: `Splunk ${token}`,
      // Needed by tokens with indexer acknowledgement, and harmless to others.
      'x-splunk-request-channel': channelOf(subscriptionId),
      'content-type': 'application/json',
    },
    body: batch.body,
  };
}

/** One channel a subscription, whoever delivers: a UUID (RFC 9562, version 8) made of its id. */
export function channelOf(subscriptionId: string): string {
  const hex = createHash('sha256').update(`splunk channel\n${subscriptionId}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
