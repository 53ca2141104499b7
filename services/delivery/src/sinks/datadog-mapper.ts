import type { DatadogSink } from '@docket/directory';

import type { BatchEncoding } from '../batches/batch-encoding.ts';
import type { EventFormat } from '../formats/event-format.ts';
import type { WebhookRequest } from '../receivers/webhook-sender.ts';
import { endpointUrl } from './endpoint-url.ts';
import type { Outgoing } from './outgoing.ts';

/** Datadog, "Send logs": of one request, uncompressed. */
const eventsMax = 1_000;
const bytesMax = 5_000_000;

/** Logs API v2: an array of logs. The event is the attribute `docket`, so that its fields meet no reserved attribute of Datadog's. */
export function datadogEncoding(sink: DatadogSink, format: EventFormat): BatchEncoding {
  const { service, tags = [] } = sink;
  return {
    event: (sent) =>
      JSON.stringify({
        ddsource: 'docket',
        ddtags: [`tenant_id:${sent.tenant_id}`, ...tags].join(','),
        service: service ?? sent.source?.service ?? 'docket',
        timestamp: Date.parse(sent.occurred_at),
        status: statuses[sent.severity ?? ''] ?? 'info',
        message: sent.description ?? `${sent.action} by ${sent.actor.type} ${sent.actor.id}`,
        docket: format(sent),
      }),
    isPlain: false,
    joint: ',',
    frame: (events) => (events === 0 ? undefined : { head: '[', foot: ']' }),
    frameBytes: 2,
    eventsMax,
    bytesMax,
  };
}

/** Datadog's log levels. */
const statuses: Readonly<Record<string, string>> = { critical: 'critical', high: 'error', medium: 'warning' };

/** undefined without an API key. */
export function datadogRequest(sink: DatadogSink, { batch, secrets }: Outgoing): WebhookRequest | undefined {
  const [apiKey] = secrets;
  if (apiKey === undefined) return undefined;
  return {
    url: endpointUrl(sink.url, '/api/v2/logs'),
    headers: { 'dd-api-key': apiKey, 'content-type': 'application/json' },
    body: batch.body,
  };
}
