import { chooseTenant } from '@docket/directory';
import type { Credential } from '@docket/directory';
import { isPlainObject, newEventId } from '@docket/event';
import type { PublishRecord } from '@docket/kafka';
import { DocketError, parseJson } from '@docket/runtime';

import { refusalOf, resultsOf } from '../ingest-answer-mapper.ts';
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
  /** The trace that the request belongs to: of a single event that names none. */
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
