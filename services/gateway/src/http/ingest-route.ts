import { authenticate, permitScope } from '@docket/directory';
import type { Credential, DirectoryView, KeyUses } from '@docket/directory';
import { newEventId } from '@docket/event';
import type { Publisher } from '@docket/kafka';
import {
  DocketError,
  elapsedSeconds,
  parseJson,
  readBody,
  receivedFrom,
  requestIdOf,
  requireJsonType,
} from '@docket/runtime';
import type { Logger } from '@docket/runtime';
import type { Request, RequestHandler } from 'express';

import type { ByteBudget, ByteLease } from '../byte-budget.ts';
import { readEventBatch } from '../event-batch-policy.ts';
import type { EventBatch } from '../event-batch-policy.ts';
import { recordOf } from '../event-record-mapper.ts';
import type { RecordForm } from '../event-record-mapper.ts';
import { judgeEvents } from '../event-verdict-policy.ts';
import type { Verdict } from '../event-verdict-policy.ts';
import { failureOf, limitRefusalOf, refusalOf, resultsOf } from '../ingest-answer-mapper.ts';
import { bodyBytesMax } from '../limits.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { publishMsOf } from '../publish-deadline-policy.ts';
import type { RateLimits } from '../rate-limits.ts';
import { prefersLenient, readIdempotencyKey } from '../request-headers-policy.ts';
import { readTraceContext } from '../trace-context-policy.ts';
import type { TraceContext } from '../trace-context-policy.ts';

export interface IngestContext {
  readonly view: DirectoryView;
  readonly keyUses: Pick<KeyUses, 'note'>;
  readonly publisher: Publisher;
  readonly eventsTopic: string;
  /** Undefined until topics and schema have been checked. */
  readonly recordForm: () => RecordForm | undefined;
  readonly budget: ByteBudget;
  readonly limits: RateLimits;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  readonly tenantsAutocreate: boolean;
  readonly trustedProxyHops: number;
}

/**
 * POST /v1/events. Answers 202 only after every event, and every one set aside, is in Kafka with acks=all (I1); anything else means that the same
 * request may be sent again, with the same ids.
 */
export function createIngestRoute(context: IngestContext): RequestHandler {
  return async (req, res) => {
    const form = readyForm(context);
    const credential = senderOf(context, req);
    const { keyId } = credential;
    const isLenient = prefersLenient(req.get('prefer'));
    const idempotencyKey = readIdempotencyKey(req.get('idempotency-key'));
    const trace = readTraceContext(req.get('traceparent'), req.get('tracestate'));
    requireJsonType(req);
    beginWithin(context, keyId);
    const lease = reserve(context, req, keyId);
    try {
      const bytes = await readBody(req, { bytesMax: bodyBytesMax });
      lease.resize(bytes.length);
      const batch = readEventBatch(parseJson(bytes));
      const verdicts = judgeEvents(batch.inputs, {
        credential,
        receivedFrom: receivedFrom(req.socket.remoteAddress, req.get('x-forwarded-for'), context.trustedProxyHops),
        arrivalMs: Date.now(),
        idempotencyKey,
        isLenient,
        traceId: batch.isSingle ? trace?.traceId : undefined,
        isKnownTenant: (id) => context.tenantsAutocreate || context.view.tenant(id) !== undefined,
        newId: newEventId,
      });
      const refusal = isLenient ? undefined : refusalOf(verdicts, batch);
      if (refusal !== undefined) {
        context.metrics.events('refused', verdicts.length);
        throw refusal;
      }
      res.set(takeQuota(context, keyId, verdicts, batch));
      const leftMs = publishMsOf(elapsedSeconds(res) * 1_000);
      const counts = await publish(context, { verdicts, form, trace, leftMs });
      if (isLenient) res.set('Preference-Applied', 'handling=lenient');
      res.status(202).json({ results: resultsOf(verdicts) });
      const fields = { request_id: requestIdOf(res), key_id: keyId, bytes: bytes.length, ...counts };
      context.logger.info(fields, 'events.accepted');
    } finally {
      lease.release();
    }
  };
}

function readyForm({ view, recordForm }: IngestContext): RecordForm {
  if (!view.isCaughtUp()) throw new DocketError('not_caught_up', 'The directory has not been read to its end.');
  const form = recordForm();
  if (form === undefined)
    throw new DocketError('not_ready', 'Topics and schema have not been checked yet; /readyz says what is missing.');
  return form;
}

function senderOf({ view, keyUses }: IngestContext, req: Request): Credential {
  const nowMs = Date.now();
  const authentication = authenticate(view, req.headers.authorization, nowMs);
  if (!authentication.ok) throw new DocketError(authentication.code, authentication.detail);
  keyUses.note(authentication.credential.keyId, nowMs);
  const permission = permitScope(authentication.credential, 'events:write');
  if (!permission.ok) throw new DocketError(permission.code, permission.detail);
  return authentication.credential;
}

/** What every request costs its key, so that bad ones are not free. */
function beginWithin({ limits, metrics }: IngestContext, keyId: string): void {
  const begun = limits.begin(keyId, Date.now());
  if (begun.ok) return;
  metrics.limited('key');
  throw limitRefusalOf(begun, [], undefined);
}

/** I7: counts the events against the quotas of the key and of each tenant; gives the headers that tell what is left. Throws rate_limited. */
function takeQuota(
  { limits, metrics }: IngestContext,
  keyId: string,
  verdicts: readonly Verdict[],
  batch: EventBatch,
): Record<string, string> {
  const eventsOf = new Map<string, number>();
  for (const { tenantId } of verdicts) {
    if (tenantId !== undefined) eventsOf.set(tenantId, (eventsOf.get(tenantId) ?? 0) + 1);
  }
  const taken = limits.take(keyId, verdicts.length - 1, eventsOf, Date.now());
  if (taken.ok) return taken.headers;
  metrics.limited(taken.by);
  metrics.events('refused', verdicts.length);
  throw limitRefusalOf(taken, verdicts, batch);
}

/** I8: takes what the body may cost before reading it: its length, or the most it can be where that is not known. */
function reserve({ budget, metrics }: IngestContext, req: Request, keyId: string): ByteLease {
  const announced = Number(req.headers['content-length'] ?? bodyBytesMax);
  const isPlain = (req.headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity';
  const bytes = Math.min(announced, bodyBytesMax) + (isPlain ? 0 : bodyBytesMax);
  const taken = budget.take(keyId, bytes);
  if (taken.ok) return taken.lease;
  metrics.limited(taken.reason === 'all_taken' ? 'all_bytes' : 'key_bytes');
  if (taken.reason === 'all_taken') {
    throw new DocketError('overloaded', 'Too many bytes are being received at once.', { retryAfterSeconds: 1 });
  }
  throw new DocketError('rate_limited', 'The key has too many bytes under way at once.', { retryAfterSeconds: 1 });
}

async function publish(
  { publisher, eventsTopic, metrics }: IngestContext,
  {
    verdicts,
    form,
    trace,
    leftMs,
  }: { verdicts: readonly Verdict[]; form: RecordForm; trace: TraceContext | undefined; leftMs: number },
): Promise<{ published: number; quarantined: number; publish_ms: number }> {
  const startedMs = performance.now();
  const outcomes = await publisher.publish(
    eventsTopic,
    verdicts.map((verdict) => recordOf(verdict, form, trace?.headers)),
    leftMs,
  );
  const elapsedMs = performance.now() - startedMs;
  metrics.published(elapsedMs / 1000, verdicts.length);
  const failure = failureOf(outcomes, verdicts);
  if (failure !== undefined) {
    metrics.events('failed', verdicts.length);
    throw failure;
  }
  const published = verdicts.filter(({ kind }) => kind === 'good').length;
  metrics.events('published', published);
  metrics.events('quarantined', verdicts.length - published);
  return { published, quarantined: verdicts.length - published, publish_ms: Math.round(elapsedMs) };
}
