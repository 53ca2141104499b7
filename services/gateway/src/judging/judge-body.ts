import { chooseTenant } from '@docket/directory';
import type { Credential } from '@docket/directory';
import { encodeBodyQuickly, idFromIdempotencyKey, isPlainObject, newEventId } from '@docket/event';
import type { QuickBody } from '@docket/event';
import type { PublishRecord } from '@docket/kafka';
import { DocketError, jsonValuesMax, parseJson } from '@docket/runtime';

import { refusalOf, resultsOf } from '../ingest-answer-mapper.ts';
import { batchEventsMax } from '../limits.ts';
import { readEventBatch } from './event-batch-policy.ts';
import type { EventBatch } from './event-batch-policy.ts';
import { recordOf } from './event-record-mapper.ts';
import type { PassedHeaders, RecordForm } from './event-record-mapper.ts';
import { judgeEvents } from './event-verdict-policy.ts';

/** What judging a body rests on, beside the body and the tenants that are known. Plain data: it goes to another thread. */
export interface JudgeContext {
  readonly credential: Credential;
  readonly receivedFrom: string;
  /** ms since the epoch. */
  readonly arrivalMs: number;
  readonly idempotencyKey: string | undefined;
  readonly isLenient: boolean;
  /** The trace that the request belongs to: of a single event that names none and has no id. */
  readonly traceId: string | undefined;
  readonly passedHeaders: PassedHeaders | undefined;
  readonly form: RecordForm;
}

export interface JudgedEvent {
  readonly id: string;
  /** In whose log it goes; undefined: a stray, for operators. */
  readonly tenantId: string | undefined;
  readonly record: PublishRecord;
}

/** A body that may be published: nothing of the text or its parsed tree is kept with it. */
export interface JudgedBody {
  readonly isSingle: boolean;
  readonly events: readonly JudgedEvent[];
  /** Of them, those set aside. */
  readonly quarantined: number;
  /** The JSON text of the 202. */
  readonly answer: string;
}

export type Judgement =
  | { readonly ok: true; readonly judged: JudgedBody }
  /** `refusedEvents`: as far as they could be counted. */
  | { readonly ok: false; readonly error: DocketError; readonly refusedEvents: number };

/** Names, of a number of tenants, those whose events are taken. */
export type KnownAmong = (tenantIds: ReadonlySet<string>) => ReadonlySet<string> | Promise<ReadonlySet<string>>;

/**
 * Reads, checks and encodes the events of a body. Rejects only for a bug. Takes milliseconds of its thread for a hundred events.
 * @param knownAmong undefined: every tenant is.
 */
export async function judgeBody(
  bytes: Uint8Array,
  context: JudgeContext,
  knownAmong: KnownAmong | undefined,
): Promise<Judgement> {
  return (await acceptQuickly(bytes, context, knownAmong)) ?? judgeThoroughly(bytes, context, knownAmong);
}

/** Of a body that is plainly good, what `judgeThoroughly` makes of it, for a third of the price; undefined for all others. */
export async function acceptQuickly(
  bytes: Uint8Array,
  context: JudgeContext,
  knownAmong: KnownAmong | undefined,
): Promise<Judgement | undefined> {
  const { credential, idempotencyKey, form, arrivalMs, receivedFrom, traceId } = context;
  const body = encodeBodyQuickly(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    {
      schemaId: form.schemaId,
      arrivalMs,
      keyId: credential.keyId,
      receivedFrom,
      traceId: idempotencyKey === undefined ? traceId : undefined,
      tenantOf: (named) => {
        const choice = chooseTenant(credential, named);
        return choice.ok ? choice.tenantId : undefined;
      },
      idFor: (tenantId, index) =>
        idempotencyKey === undefined ? newEventId() : idFromIdempotencyKey(tenantId, idempotencyKey, index),
    },
    { eventsMax: batchEventsMax, valuesMax: jsonValuesMax },
  );
  if (body === undefined) return undefined;
  if (knownAmong !== undefined) {
    const asked = new Set(body.events.map(({ tenantId }) => tenantId));
    if ((await knownAmong(asked)).size < asked.size) return undefined;
  }
  return { ok: true, judged: judgedOf(body, context.passedHeaders) };
}

function judgedOf({ isSingle, events }: QuickBody, headers: PassedHeaders = {}): JudgedBody {
  const results = events.map(({ id }) => `{"id":"${id}","status":"published"}`);
  return {
    isSingle,
    events: events.map(({ id, tenantId, value }) => ({ id, tenantId, record: { key: tenantId, value, headers } })),
    quarantined: 0,
    answer: `{"results":[${results.join(',')}]}`,
  };
}

/** The same for every body: what is wrong is told, or set aside. */
export async function judgeThoroughly(
  bytes: Uint8Array,
  context: JudgeContext,
  knownAmong: KnownAmong | undefined,
): Promise<Judgement> {
  let batch: EventBatch;
  try {
    batch = readEventBatch(parseJson(bytes));
  } catch (error) {
    if (error instanceof DocketError) return { ok: false, error, refusedEvents: 0 };
    throw error;
  }
  const known = knownAmong === undefined ? undefined : await knownAmong(tenantsNamedIn(batch, context.credential));
  return judgeBatch(batch, context, (tenantId) => known === undefined || known.has(tenantId));
}

/** Every tenant that judging may ask about. */
function tenantsNamedIn({ inputs }: EventBatch, credential: Credential): Set<string> {
  const named = new Set<string>();
  const own = chooseTenant(credential, undefined);
  if (own.ok) named.add(own.tenantId);
  for (const input of inputs) {
    const tenantId = isPlainObject(input) ? input['tenant_id'] : undefined;
    if (typeof tenantId === 'string' && chooseTenant(credential, tenantId).ok) named.add(tenantId);
  }
  return named;
}

function judgeBatch(batch: EventBatch, context: JudgeContext, isKnownTenant: (tenantId: string) => boolean): Judgement {
  const { isLenient, form, passedHeaders } = context;
  const traceId = batch.isSingle ? context.traceId : undefined;
  const verdicts = judgeEvents(batch.inputs, { ...context, traceId, isKnownTenant, newId: newEventId });
  const refusal = isLenient ? undefined : refusalOf(verdicts, batch);
  if (refusal !== undefined) return { ok: false, error: refusal, refusedEvents: verdicts.length };
  const judged = {
    isSingle: batch.isSingle,
    events: verdicts.map((verdict) => ({
      id: verdict.id,
      tenantId: verdict.tenantId,
      record: recordOf(verdict, form, passedHeaders),
    })),
    quarantined: verdicts.filter(({ kind }) => kind === 'bad').length,
    answer: JSON.stringify({ results: resultsOf(verdicts) }),
  };
  return { ok: true, judged };
}
