import { newEventId } from '@docket/event';
import { openHeaders, openSecret } from '@docket/directory';
import type { CustomHeaders, MasterKey, Subscription } from '@docket/directory';
import type { Logger } from '@docket/runtime';

import type { Batch } from '../batches/batch-mapper.ts';
import type { Attempts } from '../cursors/kafka-attempts.ts';
import type { DeliveryMetrics } from '../metrics.ts';
import type { Answer, Outcome } from '../machine/outcome-policy.ts';
import type { Verdict } from '../sinks/sink-answer.ts';
import { requestOf, verdictOf } from '../sinks/sink-rules.ts';
import { answerExcerpt } from './answer-excerpt-mapper.ts';
import type { WebhookSender } from './webhook-sender.ts';

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
  const credentialsOf = createCredentials(ports.masterKey);

  const exchange = (
    subscription: Subscription,
    batch: Batch,
    { secrets, headers }: Credentials,
    nowMs: number,
    signal: AbortSignal,
  ): Answer | Promise<Answer> => {
    if (headers === undefined) return { kind: 'failed', error: 'secret_unavailable' };
    const request = requestOf(subscription, { subscriptionId: subscription.id, batch, secrets, headers, nowMs });
    if (request === undefined) return { kind: 'failed', error: 'secret_unavailable' };
    return webhook.send(request, signal, subscription.tenant_id);
  };

  /** An answer that cannot be judged is a bug of ours, and yet must end nothing but its own attempt: nobody takes a rejection, and the process would end (I7). */
  const judged = (subscription: Subscription, { eventCount }: Batch, answer: Answer): Verdict => {
    try {
      return verdictOf(subscription.sink.type, answer, eventCount);
    } catch (error) {
      logger.error({ err: error, subscription_id: subscription.id }, 'delivery.answer_unjudged');
      return { kind: 'misconfigured', error: 'answer_unjudged' };
    }
  };

  return {
    send: async (subscription, batch, tryNumber, signal) => {
      if (batch.body.length === 0) return delivered;
      const startedAtMs = Date.now();
      const credentials = credentialsOf(subscription, startedAtMs);
      const answer = await exchange(subscription, batch, credentials, startedAtMs, signal);
      const durationMs = Date.now() - startedAtMs;
      const verdict = judged(subscription, batch, answer);
      const { error } = verdict;
      const outcome = outcomeIn(verdict);
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
      const excerpt =
        answer.kind === 'answered' && !isDelivered ? answerExcerpt(answer.text, hiddenOf(credentials)) : '';
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
      // Every attempt is in the ledger. A line of each that succeeds, or fails again as it did, would cost as much as a tenth of it.
      const level = isDelivered || tryNumber > 1 ? 'debug' : 'info';
      if (logger.isLevelEnabled(level)) {
        const range = { from_seq: batch.fromSeq, to_seq: batch.toSeq };
        const came = { outcome: outcome.kind, status, error, duration_ms: durationMs };
        logger[level]({ subscription_id: subscription.id, ...range, try: tryNumber, ...came }, 'delivery.attempted');
      }
      return { outcome, status, error, excerpt, retryAfterMs: answer.kind === 'answered' ? answer.retryAfterMs : null };
    },
  };
}

const wasDelivered: Outcome = { kind: 'delivered' };

function outcomeIn(verdict: Verdict): Outcome {
  if (verdict.kind === 'delivered') return wasDelivered;
  const { error: _error, ...outcome } = verdict;
  return outcome;
}

/** What proves to a receiver who sends. */
interface Credentials {
  /** All that are valid now, newest first; several during a rotation. */
  readonly secrets: readonly string[];
  /** Undefined: they cannot be opened. */
  readonly headers: CustomHeaders | undefined;
}

const noHeaders: CustomHeaders = {};

/** Each is opened once for a version of its subscription. */
function createCredentials(masterKey: MasterKey): (subscription: Subscription, nowMs: number) => Credentials {
  const known = new WeakMap<Subscription, ReturnType<typeof open>>();
  const open = ({ id, sink }: Subscription) => {
    const secrets = sink.secrets.flatMap(({ sealed, expires_at: expiresAt }) => {
      const found = openSecret(masterKey, id, sealed);
      const expiresAtMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
      return found.ok ? [{ secret: found.secret, expiresAtMs }] : [];
    });
    const sealed = sink.type === 'webhook' ? sink.headers : undefined;
    const headers = sealed === undefined ? noHeaders : openHeaders(masterKey, id, sealed);
    const valid: Credentials = { secrets: [], headers };
    return { secrets, headers, valid, validUntilMs: 0 };
  };
  return (subscription, nowMs) => {
    const opened = known.get(subscription) ?? open(subscription);
    known.set(subscription, opened);
    // The same list until one of them expires.
    if (nowMs >= opened.validUntilMs) {
      const valid = opened.secrets.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
      opened.validUntilMs = Math.min(...valid.map(({ expiresAtMs }) => expiresAtMs));
      opened.valid = { secrets: valid.map(({ secret }) => secret), headers: opened.headers };
    }
    return opened.valid;
  };
}

/** A receiver may answer with what it was sent, and its answer is shown: no secret of it, in none of the forms it goes out in. */
function hiddenOf({ secrets, headers = noHeaders }: Credentials): readonly string[] {
  const forms = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('base64')]);
  // Of `Bearer abc` the last part is the secret.
  const values = Object.values(headers).flatMap((value) => [value, value.slice(value.indexOf(' ') + 1)]);
  return [...forms, ...values];
}
