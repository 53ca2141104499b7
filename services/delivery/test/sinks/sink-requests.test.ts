import { describe, expect, test } from '@jest/globals';
import { newWebhookSecret } from '@docket/directory';
import { Webhook } from 'standardwebhooks';

import { endpointUrl } from '../../src/sinks/endpoint-url.ts';
import { requestOf } from '../../src/sinks/sink-rules.ts';
import { channelOf } from '../../src/sinks/splunk-hec-mapper.ts';
import type { WebhookRequest } from '../../src/receivers/webhook-sender.ts';
import { batchFor, entryOf, sampleEntries, sampleSinks, subscriptionTo } from './sample-batches.ts';
import type { SampleName } from './sample-batches.ts';

const names = Object.keys(sampleSinks) as SampleName[];

function requestTo(name: SampleName, secrets: readonly string[]): WebhookRequest | undefined {
  const subscription = subscriptionTo(sampleSinks[name]);
  return requestOf(subscription, {
    subscriptionId: subscription.id,
    batch: batchFor(subscription),
    secrets,
    nowMs: Date.now(),
  });
}

describe('the request to a sink', () => {
  test.each(['webhook', 'webhook-single', 'webhook-ndjson'] as const)(
    '%s is signed with every secret, whatever its layout',
    (name) => {
      const secrets = [newWebhookSecret(), newWebhookSecret()];
      const request = requestTo(name, secrets);
      for (const secret of secrets) {
        const verify = () => new Webhook(secret).verify(request?.body ?? '', { ...request?.headers });
        // The verifier parses what it verifies as JSON, which lines of it are not.
        if (name === 'webhook-ndjson') expect(verify).toThrow(SyntaxError);
        else expect(verify()).toMatchObject({ type: name === 'webhook' ? 'audit.batch' : 'audit.event' });
      }
      expect(request?.headers['content-type']).toBe(
        name === 'webhook-ndjson' ? 'application/x-ndjson' : 'application/json',
      );
    },
  );

  test('splunk_hec goes to the event endpoint, with the token and the channel of the subscription', () => {
    expect(requestTo('splunk_hec', ['newest', 'old'])).toMatchObject({
      url: 'https://splunk.example:8088/services/collector/event',
      headers: { authorization: 'Splunk newest', 'x-splunk-request-channel': channelOf('sub_1') },
    });
    expect(channelOf('sub_1')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(channelOf('sub_1')).not.toBe(channelOf('sub_2'));
  });

  test('datadog goes to the logs API v2, with the API key', () => {
    expect(requestTo('datadog', ['key'])).toMatchObject({
      url: 'https://http-intake.logs.datadoghq.eu/api/v2/logs',
      headers: { 'dd-api-key': 'key', 'content-type': 'application/json' },
    });
  });

  test('datadog is sent at most 1000 logs and 5 MB', () => {
    const [first] = sampleEntries;
    if (first?.kind !== 'event') throw new Error('no event');
    const subscription = subscriptionTo(sampleSinks.datadog, {
      batch: { max_events: 10_000, max_bytes: 50_000_000, max_wait_ms: 0 },
    });
    const many = Array.from({ length: 1_001 }, (_, index) => entryOf({ ...first.event, seq: 7 + index }));
    expect(batchFor(subscription, many)).toMatchObject({ eventCount: 1_000, isFull: true });
    const large = many.map((entry) =>
      entry.kind === 'event' ? { ...entry, event: { ...entry.event, description: 'x'.repeat(60_000) } } : entry,
    );
    expect(batchFor(subscription, large).body.length).toBeLessThanOrEqual(5_000_000);
  });

  test.each([
    ['api_key', 'ApiKey user:pass'],
    ['basic', 'Basic dXNlcjpwYXNz'],
    ['bearer', 'Bearer user:pass'],
  ] as const)('elastic_bulk with %s', (auth, authorization) => {
    const subscription = subscriptionTo({ ...sampleSinks.elastic_bulk, auth });
    const outgoing = { subscriptionId: 'sub_1', batch: batchFor(subscription), secrets: ['user:pass'], nowMs: 0 };
    expect(requestOf(subscription, outgoing)).toMatchObject({
      url: 'https://elastic.example:9243/audit-docket/_bulk?filter_path=errors%2Citems.*.status%2Citems.*.error.type',
      headers: { authorization, 'content-type': 'application/x-ndjson' },
    });
  });

  test.each(names)('%s without a secret that it can use is not sent', (name) => {
    expect(requestTo(name, [])).toBeUndefined();
  });

  test.each([
    ['https://h', 'https://h/a/b'],
    ['https://h/', 'https://h/a/b'],
    ['https://h/prefix/', 'https://h/prefix/a/b'],
    ['https://h/prefix/a/b', 'https://h/prefix/a/b'],
    ['https://h/?x=1', 'https://h/a/b?x=1'],
    ['nonsense', 'nonsense'],
  ])('the endpoint /a/b of %s is %s', (base, expected) => {
    expect(endpointUrl(base, '/a/b')).toBe(expected);
  });
});
