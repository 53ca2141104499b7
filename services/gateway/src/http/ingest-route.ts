import { authenticate, permitScope } from '@docket/directory';
import type { Credential, DirectoryView, KeyUses } from '@docket/directory';
import type { Publisher } from '@docket/kafka';
import {
  DocketError,
  elapsedSeconds,
  noteForLog,
  readBody,
  receivedFrom,
  requestIdOf,
  requireJsonType,
} from '@docket/runtime';
import type { Budget, Lease, DirectHandler, Logger } from '@docket/runtime';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { failureOf, limitRefusalOf } from '../ingest-answer-mapper.ts';
import type { RecordForm } from '../judging/event-record-mapper.ts';
import type { JudgeContext, JudgedBody } from '../judging/judge-body.ts';
import type { Judges } from '../judging/judges.ts';
import type { LeftoverMemory } from '../leftover-memory.ts';
import { bodyBytesMax } from '../limits.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { publishMsOf } from '../publish-deadline-policy.ts';
import type { RateLimits } from '../rate-limits.ts';
import { prefersLenient, readIdempotencyKey } from '../request-headers-policy.ts';
import { readTraceContext } from '../trace-context-policy.ts';

export interface IngestContext {
  readonly view: DirectoryView;
  readonly keyUses: Pick<KeyUses, 'note'>;
  readonly publisher: Publisher;
  readonly eventsTopic: string;
  /** Undefined until topics and schema have been checked. */
  readonly recordForm: () => RecordForm | undefined;
  readonly budget: Budget;
  readonly limits: RateLimits;
  readonly judges: Pick<Judges, 'judge'>;
  readonly leftovers: LeftoverMemory;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  readonly trustedProxyHops: number;
}

/** What a record costs beside its value until it is acknowledged: objects, key, headers. */
const recordOverheadBytes = 500;

/**
 * POST /v1/events. Answers 202 only after every event, and every one set aside, is in Kafka with acks=all (I1); anything else means that the same
 * request may be sent again, with the same ids.
 */
export function createIngestRoute(context: IngestContext): DirectHandler {
  return async (req, res) => {
    const form = readyForm(context);
    const credential = senderOf(context, req);
    const { keyId } = credential;
    const isLenient = prefersLenient(headerOf(req, 'prefer'));
    const idempotencyKey = readIdempotencyKey(headerOf(req, 'idempotency-key'));
    const trace = readTraceContext(headerOf(req, 'traceparent'), headerOf(req, 'tracestate'));
    requireJsonType(req);
    beginWithin(context, keyId);
    requireKafka(context);
    const lease = reserve(context, req, keyId);
    try {
      const judged = await receive(context, { req, res }, lease, {
        credential,
        receivedFrom: receivedFrom(
          req.socket.remoteAddress,
          headerOf(req, 'x-forwarded-for'),
          context.trustedProxyHops,
        ),
        arrivalMs: Date.now(),
        idempotencyKey,
        isLenient,
        traceId: trace?.traceId,
        passedHeaders: trace?.headers,
        form,
      });
      for (const [name, value] of Object.entries(takeQuota(context, keyId, judged))) res.setHeader(name, value);
      requireKafka(context);
      const leftMs = publishMsOf(elapsedSeconds(res) * 1_000);
      const counts = await publish(context, judged, leftMs);
      if (isLenient) res.setHeader('Preference-Applied', 'handling=lenient');
      res.statusCode = 202;
      res.setHeader('Content-Type', 'application/json; charset=utf-8');
      res.setHeader('Content-Length', Buffer.byteLength(judged.answer));
      res.end(judged.answer);
      context.logger.info({ request_id: requestIdOf(res), key_id: keyId, ...counts }, 'events.accepted');
    } finally {
      lease.release();
    }
  };
}

/** Reads a body and has it judged. Its bytes are gone afterwards: the lease then counts what is kept. Throws the refusal. */
async function receive(
  { judges, leftovers, metrics }: IngestContext,
  { req, res }: { req: IncomingMessage; res: ServerResponse },
  lease: Lease,
  judgeContext: JudgeContext,
): Promise<JudgedBody> {
  const bytes = await readBody(req, { bytesMax: bodyBytesMax, onLeft: leftovers.leave });
  lease.resize(bytes.length);
  const judgement = await judges.judge(judgeContext.credential.keyId, bytes, judgeContext, elapsedSeconds(res) * 1_000);
  if (!judgement.ok) {
    metrics.events('refused', judgement.refusedEvents);
    throw judgement.error;
  }
  const { judged } = judgement;
  lease.resize(judged.events.reduce((sum, { record }) => sum + recordOverheadBytes + (record.value?.length ?? 0), 0));
  return judged;
}

/** I8: what Kafka will not take for some time is refused before it is read. */
function requireKafka({ publisher }: IngestContext): void {
  if (!publisher.stats().isStalled) return;
  throw new DocketError(
    'kafka_unavailable',
    'Kafka has not acknowledged anything for some time; nothing was published.',
  );
}

/** Node joins the values of a header that stands several times. */
function headerOf(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function readyForm({ view, recordForm }: IngestContext): RecordForm {
  if (!view.isCaughtUp()) throw new DocketError('not_caught_up', 'The directory has not been read to its end.');
  const form = recordForm();
  if (form === undefined)
    throw new DocketError('not_ready', 'Topics and schema have not been checked yet; /readyz says what is missing.');
  return form;
}

function senderOf({ view, keyUses }: IngestContext, req: IncomingMessage): Credential {
  const nowMs = Date.now();
  const authentication = authenticate(view, req.headers.authorization, nowMs);
  if (!authentication.ok) throw new DocketError(authentication.code, authentication.detail);
  const { keyId } = authentication.credential;
  noteForLog(req, { keyId });
  keyUses.note(keyId, nowMs);
  const permission = permitScope(authentication.credential, 'events:write');
  if (!permission.ok) throw new DocketError(permission.code, permission.detail);
  return authentication.credential;
}

/** What every request costs its key, so that bad ones are not free. */
function beginWithin({ limits, metrics }: IngestContext, keyId: string): void {
  const begun = limits.begin(keyId, Date.now());
  if (begun.ok) return;
  metrics.limited('key');
  throw limitRefusalOf(begun, { isSingle: true, events: [] });
}

/** I7: counts the events against the quotas of the key and of each tenant; gives the headers that tell what is left. Throws rate_limited. */
function takeQuota({ limits, metrics }: IngestContext, keyId: string, judged: JudgedBody): Record<string, string> {
  const { events } = judged;
  const eventsOf = new Map<string, number>();
  for (const { tenantId } of events) {
    if (tenantId !== undefined) eventsOf.set(tenantId, (eventsOf.get(tenantId) ?? 0) + 1);
  }
  const taken = limits.take(keyId, events.length - 1, eventsOf, Date.now());
  if (taken.ok) return taken.headers;
  metrics.limited(taken.by);
  metrics.events('refused', events.length);
  throw limitRefusalOf(taken, judged);
}

/** I8: takes what the body may cost before reading it: its length, or the most it can be where that is not known. */
function reserve({ budget, metrics }: IngestContext, req: IncomingMessage, keyId: string): Lease {
  const announced = Number(req.headers['content-length'] ?? bodyBytesMax);
  const isPlain = (req.headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity';
  const bytes = Math.min(announced, bodyBytesMax) + (isPlain ? 0 : bodyBytesMax);
  const taken = budget.take([keyId], bytes);
  if (taken.ok) return taken.lease;
  metrics.limited(taken.reason === 'all_taken' ? 'all_bytes' : 'key_bytes');
  if (taken.reason === 'all_taken') {
    throw new DocketError('overloaded', 'Too many bytes are being received at once.', { retryAfterSeconds: 1 });
  }
  throw new DocketError('rate_limited', 'The key has too many bytes under way at once.', { retryAfterSeconds: 1 });
}

async function publish(
  { publisher, eventsTopic, metrics }: IngestContext,
  { events, quarantined }: JudgedBody,
  leftMs: number,
): Promise<{ published: number; quarantined: number; publish_ms: number }> {
  const startedMs = performance.now();
  const outcomes = await publisher.publish(
    eventsTopic,
    events.map(({ record }) => record),
    leftMs,
  );
  const elapsedMs = performance.now() - startedMs;
  metrics.published(elapsedMs / 1000, events.length);
  const failure = failureOf(outcomes, events);
  if (failure !== undefined) {
    metrics.events('failed', events.length);
    throw failure;
  }
  const published = events.length - quarantined;
  metrics.events('published', published);
  metrics.events('quarantined', quarantined);
  return { published, quarantined, publish_ms: Math.round(elapsedMs) };
}
