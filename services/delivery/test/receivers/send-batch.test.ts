import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { newWebhookSecret, readMasterKey, sealHeaders, sealSecret } from '@docket/directory';
import type { Sink } from '@docket/directory';
import type { DeliveryAttempt } from '@docket/event';
import { createLogger } from '@docket/runtime';
import { Registry } from 'prom-client';

import { createDeliveryMetrics } from '../../src/metrics.ts';
import type { Answer } from '../../src/machine/outcome-policy.ts';
import { createBatchSender } from '../../src/receivers/send-batch.ts';
import type { WebhookRequest } from '../../src/receivers/webhook-sender.ts';
import { batchFor, sampleEntries, sampleSinks, subscriptionTo } from '../sinks/sample-batches.ts';

const masterKey = readMasterKey(randomBytes(32).toString('base64'));
const token = 'user:very-secret-password';
const sealed = (secret: string, expiresAt?: string) => ({
  sealed: sealSecret(masterKey, 'sub_1', secret),
  created_at: '2026-01-01T00:00:00.000Z',
  ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
});

/** A sender to a receiver that answers with what it was sent. */
const senderTo = (text: (request: WebhookRequest) => string) =>
  senderOf((request) => ({ kind: 'answered', status: 403, retryAfterMs: null, text: text(request) }));

function senderOf(answer: (request: WebhookRequest) => Answer) {
  const requests: WebhookRequest[] = [];
  const attempts: DeliveryAttempt[] = [];
  const sender = createBatchSender({
    webhook: {
      send: async (request) => {
        requests.push(request);
        return answer(request);
      },
      lookups: () => 0,
      close: async () => undefined,
    },
    masterKey,
    attempts: { publish: (attempt) => attempts.push(attempt), settled: async () => undefined },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createDeliveryMetrics(new Registry()),
  });
  return { sender, requests, attempts };
}

const never = new AbortController().signal;

describe('sending a batch', () => {
  test.each(['api_key', 'basic', 'bearer'] as const)(
    'a receiver that answers with the %s it was sent does not get it into the record of the attempt',
    async (auth) => {
      const { sender, attempts } = senderTo(({ headers }) => `refused: ${headers['authorization']}, really`);
      const subscription = subscriptionTo({ ...sampleSinks.elastic_bulk, auth, secrets: [sealed(token)] });
      await sender.send(subscription, batchFor(subscription), 1, never);
      expect(attempts[0]).toMatchObject({ outcome: 'misconfigured', error: 'status_403' });
      expect(attempts[0]?.answer_excerpt).toMatch(/^refused: \w+ \(secret\), really$/);
    },
  );

  test('the newest token that is valid is sent; one that cannot be opened or has expired is not', async () => {
    const { sender, requests, attempts } = senderTo(() => '');
    const sink: Sink = {
      ...sampleSinks.datadog,
      secrets: [sealed('expired', '2026-01-02T00:00:00.000Z'), { ...sealed(''), sealed: 'v1.damaged' }, sealed(token)],
    };
    const subscription = subscriptionTo(sink);
    await sender.send(subscription, batchFor(subscription), 1, never);
    expect(requests[0]?.headers['dd-api-key']).toBe(token);
    const without = subscriptionTo({ ...sink, secrets: [{ ...sealed(''), sealed: 'v1.damaged' }] });
    const sent = await sender.send(without, batchFor(without), 1, never);
    expect(sent).toMatchObject({ outcome: { kind: 'misconfigured' }, error: 'secret_unavailable' });
    expect([requests.length, attempts.length]).toEqual([1, 2]);
  });

  test('headers of the owner are sent beside ours, and a receiver that answers with them does not get them into the record', async () => {
    const { sender, requests, attempts } = senderTo(
      ({ headers }) => `${headers['authorization']} bars ${headers['x-a']}`,
    );
    const headers = sealHeaders({ authorization: 'Bearer hunter2', 'x-a': 'b' }, (text) =>
      sealSecret(masterKey, 'sub_1', text),
    );
    const sink: Sink = { ...sampleSinks.webhook, secrets: [sealed(newWebhookSecret())], headers };
    const subscription = subscriptionTo(sink);
    await sender.send(subscription, batchFor(subscription), 1, never);
    expect(requests[0]?.headers).toMatchObject({
      authorization: 'Bearer hunter2',
      'x-a': 'b',
      'content-type': 'application/json',
      'webhook-signature': expect.stringMatching(/^v1,/),
    });
    expect(attempts[0]?.answer_excerpt).toBe('(secret) bars b');
  });

  test('I7: no header makes an answer grow: what stands for a secret is not searched for secrets', async () => {
    const { sender, attempts } = senderTo(() => 'e'.repeat(100));
    const headers = sealHeaders({ 'x-a': `a ${'e '.repeat(500)}e`, 'x-b': 'secret', 'x-c': '(.+)+$' }, (text) =>
      sealSecret(masterKey, 'sub_1', text),
    );
    const subscription = subscriptionTo({ ...sampleSinks.webhook, secrets: [sealed(newWebhookSecret())], headers });
    await sender.send(subscription, batchFor(subscription), 1, never);
    expect(attempts[0]?.answer_excerpt).toBe('e'.repeat(100));
  });

  test('nothing is sent without the headers of the owner', async () => {
    const { sender, requests } = senderTo(() => '');
    const headers = { names: ['x-a'], sealed: 'v1.damaged' };
    const subscription = subscriptionTo({ ...sampleSinks.webhook, secrets: [sealed(newWebhookSecret())], headers });
    const sent = await sender.send(subscription, batchFor(subscription), 1, never);
    expect(sent).toMatchObject({ outcome: { kind: 'misconfigured' }, error: 'secret_unavailable' });
    expect(requests).toEqual([]);
  });

  test('a batch with nothing to tell is delivered without a request, except where its accounting is told', async () => {
    const { sender, requests } = senderTo(() => '');
    const nothing = sampleEntries.filter(({ kind }) => kind === 'skipped').map((entry) => ({ ...entry, seq: 7 }));
    const splunk = subscriptionTo({ ...sampleSinks.splunk_hec, secrets: [sealed(token)] });
    expect(await sender.send(splunk, batchFor(splunk, nothing), 1, never)).toEqual({
      outcome: { kind: 'delivered' },
      status: 0,
      error: '',
      excerpt: '',
      retryAfterMs: null,
    });
    expect(requests).toEqual([]);
  });

  test('I7: an answer that cannot be judged is for somebody to mend, and ends nothing but its own attempt', async () => {
    let reads = 0;
    const unforeseen = {
      kind: 'answered',
      status: 200,
      retryAfterMs: null,
      get text() {
        reads += 1;
        if (reads === 1) throw new TypeError('a bug in a policy');
        return '{}';
      },
    } as const;
    const { sender, attempts } = senderOf(() => unforeseen);
    const subscription = subscriptionTo({ ...sampleSinks.elastic_bulk, secrets: [sealed(token)] });
    const sent = await sender.send(subscription, batchFor(subscription), 1, never);
    expect(sent).toMatchObject({ outcome: { kind: 'misconfigured' }, status: 200, error: 'answer_unjudged' });
    expect(attempts).toMatchObject([{ outcome: 'misconfigured', error: 'answer_unjudged' }]);
  });
});
