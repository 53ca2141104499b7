import { newEventId } from '@docket/event';
import { openSecret, webhookSecretBytes } from '@docket/directory';
import type { MasterKey, Subscription } from '@docket/directory';
import type { Logger } from '@docket/runtime';

import type { Batch } from './batch-mapper.ts';
import type { Attempts } from './kafka-attempts.ts';
import type { DeliveryMetrics } from './metrics.ts';
import { errorNameOf, outcomeOf } from './outcome-policy.ts';
import type { Answer, Outcome } from './outcome-policy.ts';
import { webhookHeaders } from './webhook-signature-mapper.ts';
import type { WebhookSender } from './webhook-sender.ts';

export interface Sent {
  readonly outcome: Outcome;
  readonly error: string;
  readonly retryAfterMs: number | null;
}

export interface BatchSender {
  /** Signs and sends a batch once, records the attempt, and says what it came to. Never rejects. */
  send(subscription: Subscription, batch: Batch, tryNumber: number, signal: AbortSignal): Promise<Sent>;
}

export function createBatchSender(ports: {
  readonly webhook: WebhookSender;
  readonly masterKey: MasterKey;
  readonly attempts: Attempts;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
}): BatchSender {
  const { webhook, masterKey, attempts, logger, metrics } = ports;

  const exchange = async (
    subscription: Subscription,
    batch: Batch,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const keys = signingKeys(masterKey, subscription, nowMs);
    if (keys.length === 0) return { kind: 'failed', error: 'secret_unavailable' };
    const message = { id: batch.webhookId, timestampSeconds: Math.floor(nowMs / 1_000), body: batch.body };
    return webhook.send(
      { url: subscription.sink.url, headers: webhookHeaders(message, keys), body: batch.body },
      signal,
    );
  };

  return {
    send: async (subscription, batch, tryNumber, signal) => {
      const startedAtMs = Date.now();
      const answer = await exchange(subscription, batch, startedAtMs, signal);
      const durationMs = Date.now() - startedAtMs;
      const outcome = outcomeOf(answer);
      const error = errorNameOf(answer);
      const status = answer.kind === 'answered' ? answer.status : 0;
      metrics.attempts.inc({ outcome: outcome.kind });
      metrics.attemptSeconds.observe(durationMs / 1_000);
      const isDelivered = outcome.kind === 'delivered';
      if (isDelivered) {
        metrics.events.inc(batch.eventCount);
        if (tryNumber === 1 && batch.oldestReceivedAtMs !== null) {
          metrics.freshnessSeconds.observe(Math.max(0, Date.now() - batch.oldestReceivedAtMs) / 1_000);
        }
      }
      attempts.publish({
        attempt_id: newEventId(),
        subscription_id: subscription.id,
        tenant_id: subscription.tenant_id,
        from_seq: batch.fromSeq,
        to_seq: batch.toSeq,
        event_count: batch.eventCount,
        body_bytes: batch.body.length,
        try: tryNumber,
        started_at: startedAtMs,
        duration_ms: durationMs,
        outcome: outcome.kind,
        http_status: status,
        error,
        // What a receiver says when it takes a batch is of no interest.
        answer_excerpt: answer.kind === 'answered' && !isDelivered ? answer.excerpt : '',
      });
      const line = { subscription_id: subscription.id, from_seq: batch.fromSeq, to_seq: batch.toSeq, try: tryNumber };
      logger.info({ ...line, outcome: outcome.kind, status, error, duration_ms: durationMs }, 'delivery.attempted');
      return { outcome, error, retryAfterMs: answer.kind === 'answered' ? answer.retryAfterMs : null };
    },
  };
}

/** The keys of all secrets that are valid now; several during a rotation. */
function signingKeys(masterKey: MasterKey, subscription: Subscription, nowMs: number): Buffer[] {
  return subscription.sink.secrets.flatMap(({ sealed, expires_at: expiresAt }) => {
    if (expiresAt !== undefined && Date.parse(expiresAt) <= nowMs) return [];
    const opened = openSecret(masterKey, subscription.id, sealed);
    const bytes = opened.ok ? webhookSecretBytes(opened.secret) : undefined;
    return bytes === undefined ? [] : [bytes];
  });
}
