import type { PublishOutcome } from '@docket/kafka';
import { DocketError } from '@docket/runtime';
import type { ErrorCode, ErrorItem } from '@docket/runtime';

import { pointerOf } from './judging/event-batch-policy.ts';
import type { EventBatch } from './judging/event-batch-policy.ts';
import type { BadEvent, Verdict } from './judging/event-verdict-policy.ts';
import { answerErrorsMax, resultErrorsMax } from './limits.ts';
import type { Taken } from './rate-limits.ts';

export interface IngestResult {
  readonly id: string;
  readonly status: 'published' | 'quarantined';
  /** Why it was set aside; pointers into the event. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** Fields that an event does not have, and the metadata that keeps them. */
  readonly warnings?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** The results of a 202, in the order of the request. */
export function resultsOf(verdicts: readonly Verdict[]): IngestResult[] {
  return verdicts.map((verdict) => {
    if (verdict.kind === 'bad') {
      return { id: verdict.id, status: 'quarantined', errors: verdict.errors.slice(0, resultErrorsMax) };
    }
    const { id, kept } = verdict;
    return { id, status: 'published', ...(kept === undefined ? {} : { warnings: kept.slice(0, resultErrorsMax) }) };
  });
}

/** The refusal of a request that is over a limit. Pointers name the first event of each tenant whose quota is used up. */
export function limitRefusalOf(
  { by, tenants, retryAfterSeconds, headers }: Extract<Taken, { ok: false }>,
  { isSingle, events }: Pick<EventBatch, 'isSingle'> & { readonly events: readonly Pick<Verdict, 'tenantId'>[] },
): DocketError {
  const errors = tenants.slice(0, answerErrorsMax).map((tenantId) => {
    const index = events.findIndex((event) => event.tenantId === tenantId);
    return { pointer: `${pointerOf({ isSingle }, index)}/tenant_id`, detail: 'is a tenant that has used up its quota' };
  });
  const message =
    by === 'key'
      ? 'The key has used up its quota of events; nothing was published.'
      : 'A tenant has used up its quota of events; nothing was published.';
  return new DocketError('rate_limited', message, {
    retryAfterSeconds,
    headers,
    ...(errors.length === 0 ? {} : { errors }),
  });
}

/** The refusal of a request that has bad events, or undefined when it has none. Pointers are into the request's body. */
export function refusalOf(verdicts: readonly Verdict[], batch: Pick<EventBatch, 'isSingle'>): DocketError | undefined {
  const refused: [number, BadEvent][] = [];
  verdicts.forEach((verdict, index) => {
    if (verdict.kind === 'bad') refused.push([index, verdict]);
  });
  if (refused.length === 0) return undefined;
  const all: ErrorItem[] = refused.flatMap(([index, { errors }]) =>
    errors.map(({ pointer, detail }) => ({ pointer: `${pointerOf(batch, index)}${pointer}`, detail })),
  );
  const omitted = all.length - answerErrorsMax;
  const message = `${refused.length} of ${verdicts.length} events cannot be accepted; nothing was published.`;
  return new DocketError(codeOf(refused.map(([, { code }]) => code)), message, {
    errors: all.slice(0, answerErrorsMax),
    ...(omitted > 0 ? { extensions: { errors_omitted: omitted } } : {}),
  });
}

/** What the caller may not do comes before what he did wrong. */
function codeOf(codes: readonly BadEvent['code'][]): ErrorCode {
  if (codes.includes('tenant_not_allowed')) return 'tenant_not_allowed';
  if (codes.includes('tenant_required')) return 'tenant_required';
  return codes.every((code) => code === 'unknown_tenant') ? 'unknown_tenant' : 'invalid_event';
}

/**
 * The failure of a request of which not every event was acknowledged (I1), or undefined. Events that were, or still will be, in the log do no
 * harm: the same ids sent again become duplicates. It names the ids if and only if some of the events may be in the log.
 */
export function failureOf(
  outcomes: readonly PublishOutcome[],
  events: readonly Pick<Verdict, 'id'>[],
): DocketError | undefined {
  const failed = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome]));
  const [first] = failed;
  if (first === undefined) return undefined;
  const extensions = { ids: events.map(({ id }) => id) };
  const cause = first.error;
  const isOverloaded = failed.length === outcomes.length && failed.every(({ reason }) => reason === 'overloaded');
  if (isOverloaded) {
    return new DocketError('overloaded', 'Too much waits for Kafka; nothing was published.', {
      cause,
      retryAfterSeconds: 1,
    });
  }
  if (failed.every(({ reason }) => reason === 'rejected')) {
    const code = cause instanceof DocketError ? cause.code : 'internal';
    return new DocketError(code, 'The events could not be published.', { cause, extensions });
  }
  const message = `Kafka did not acknowledge ${failed.length} of ${outcomes.length} events in time; they may still appear. Send them again with the same ids.`;
  return new DocketError('kafka_unavailable', message, { cause, extensions });
}
