import { newEventId } from '@docket/event';
import { openSecret } from '@docket/directory';
import type { MasterKey, Subscription } from '@docket/directory';
import type { Logger } from '@docket/runtime';

import type { Batch } from './batch-mapper.ts';
import type { Attempts } from './kafka-attempts.ts';
import type { DeliveryMetrics } from './metrics.ts';
import type { Answer, Outcome } from './outcome-policy.ts';
import { requestOf, verdictOf } from './sinks/sink-rules.ts';
import type { WebhookSender } from './webhook-sender.ts';

const excerptCharactersMax = 512;
const delivered: Sent = { outcome: { kind: 'delivered' }, status: 0, error: '', excerpt: '', retryAfterMs: null };

export interface Sent {
  readonly outcome: Outcome;
  /** 0: there was no answer. */
  readonly status: number;
  readonly error: string;
  /** The beginning of what the receiver said, without secrets; empty when it took the batch. */
  readonly excerpt: string;
  readonly retryAfterMs: number | null;
}

export interface BatchSender {
  /** Sends a batch once, records the attempt, and says what it came to. A batch with nothing to tell is delivered. Never rejects. */
  send(subscription: Subscription, batch: Batch, tryNumber: number, signal: AbortSignal): Promise<Sent>;
}

export function createBatchSender(ports: {
  readonly webhook: WebhookSender;
  readonly masterKey: MasterKey;
  readonly attempts: Attempts;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
}): BatchSender {
  const { webhook, attempts, logger, metrics } = ports;
  const validSecrets = createSecrets(ports.masterKey);

  const exchange = async (
    subscription: Subscription,
    batch: Batch,
    secrets: readonly string[],
    nowMs: number,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const request = requestOf(subscription, { subscriptionId: subscription.id, batch, secrets, nowMs });
    if (request === undefined) return { kind: 'failed', error: 'secret_unavailable' };
    return webhook.send(request, signal, subscription.tenant_id);
  };

  return {
    send: async (subscription, batch, tryNumber, signal) => {
      if (batch.body.length === 0) return delivered;
      const startedAtMs = Date.now();
      const secrets = validSecrets(subscription, startedAtMs);
      const answer = await exchange(subscription, batch, secrets, startedAtMs, signal);
      const durationMs = Date.now() - startedAtMs;
      const { error, ...outcome } = verdictOf(subscription.sink.type, answer, batch.eventCount);
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
      // What a receiver says when it takes a batch is of no interest.
      const excerpt = answer.kind === 'answered' && !isDelivered ? excerptOf(answer.text, secrets) : '';
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
        answer_excerpt: excerpt,
      });
      const line = { subscription_id: subscription.id, from_seq: batch.fromSeq, to_seq: batch.toSeq, try: tryNumber };
      // Every attempt is in the ledger. A line of each that succeeds, or fails again as it did, would cost as much as a tenth of it.
      const level = isDelivered || tryNumber > 1 ? 'debug' : 'info';
      logger[level]({ ...line, outcome: outcome.kind, status, error, duration_ms: durationMs }, 'delivery.attempted');
      return { outcome, status, error, excerpt, retryAfterMs: answer.kind === 'answered' ? answer.retryAfterMs : null };
    },
  };
}

/** All secrets that are valid now, newest first; several during a rotation. Each is opened once for a version of its subscription. */
function createSecrets(masterKey: MasterKey): (subscription: Subscription, nowMs: number) => string[] {
  const opened = new WeakMap<Subscription, { readonly secret: string; readonly expiresAtMs: number }[]>();
  const open = ({ id, sink }: Subscription) =>
    sink.secrets.flatMap(({ sealed, expires_at: expiresAt }) => {
      const found = openSecret(masterKey, id, sealed);
      const expiresAtMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
      return found.ok ? [{ secret: found.secret, expiresAtMs }] : [];
    });
  return (subscription, nowMs) => {
    const known = opened.get(subscription) ?? open(subscription);
    opened.set(subscription, known);
    return known.filter(({ expiresAtMs }) => expiresAtMs > nowMs).map(({ secret }) => secret);
  };
}

/** A receiver may answer with what it was sent, and its answer is shown: no secret of it, in neither of the forms it goes out in. */
function excerptOf(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('base64')]);
  return forms.reduce((rest, form) => rest.replaceAll(form, '(secret)'), text).slice(0, excerptCharactersMax);
}
