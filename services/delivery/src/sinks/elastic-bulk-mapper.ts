import type { ElasticBulkSink } from '@docket/directory';

import type { BatchEncoding } from '../batches/batch-encoding.ts';
import type { EventFormat } from '../formats/event-format.ts';
import type { WebhookRequest } from '../receivers/webhook-sender.ts';
import { endpointUrl } from './endpoint-url.ts';
import type { Outgoing } from './outgoing.ts';

/** Elastic advises 5 to 15 MB of one bulk request; Elasticsearch itself refuses more than 100. */
const bytesMax = 10_000_000;
/** The answer names each item, of at most a thousand. */
const answerBytesMax = 256 * 1024;

/**
 * Elasticsearch and OpenSearch: a bulk request of `create`, which also data streams take. `_id` names the event in its log, so what comes again is
 * refused as there already, and never doubled. `@timestamp` is what data streams and dashboards go by.
 */
export function elasticBulkEncoding(format: EventFormat): BatchEncoding {
  return {
    event: (sent) => {
      const action = JSON.stringify({ create: { _id: `${sent.id}:${sent.seq}` } });
      const document = { '@timestamp': sent.occurred_at, ...format(sent) };
      return `${action}\n${JSON.stringify(document)}\n`;
    },
    isPlain: false,
    joint: '',
    frame: (events) => (events === 0 ? undefined : { head: '', foot: '' }),
    frameBytes: 0,
    eventsMax: Number.POSITIVE_INFINITY,
    bytesMax,
  };
}

/** undefined without a secret. */
export function elasticBulkRequest(sink: ElasticBulkSink, outgoing: Outgoing): WebhookRequest | undefined {
  const { batch, secrets } = outgoing;
  const [secret] = secrets;
  if (secret === undefined) return undefined;
  return {
    url: endpointUrl(sink.url, `/${encodeURIComponent(sink.index)}/_bulk`, {
      filter_path: 'errors,items.*.status,items.*.error.type',
    }),
    headers: { authorization: authorizationOf(sink.auth, secret), 'content-type': 'application/x-ndjson' },
    body: batch.body,
    answerBytesMax,
  };
}

function authorizationOf(auth: ElasticBulkSink['auth'], secret: string): string {
  switch (auth) {
    case 'api_key':
      return `ApiKey ${secret}`;
    case 'basic':
      return `Basic ${Buffer.from(secret).toString('base64')}`;
    case 'bearer':
      return `Bearer ${secret}`;
  }
}
