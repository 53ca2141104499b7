import type { Subscription } from '@docket/directory';
import { toPublicAttempt } from '@docket/event';
import type { AttemptRow } from '@docket/event';

import type { SubscriptionStatus } from './answer-schemas.ts';
import { toldSeq } from './cursors/cursor-mapper.ts';
import type { Cursor, MovedBack } from './cursors/cursor-mapper.ts';

/** What ClickHouse knows of a subscription; the parts are read at about the same time. */
export interface Standing {
  readonly headSeq: number;
  /** Of the first record behind the cursor, ms since the epoch; undefined when there is none. */
  readonly nextReceivedAtMs: number | undefined;
  /** Newest first. */
  readonly attempts: readonly AttemptRow[];
  readonly lastFailure: AttemptRow | undefined;
}

/** What the subscriber is told of a subscription. `standing` is undefined while ClickHouse is away. */
export function statusOf(
  { id, tenant_id: tenantId, name, state: wish, updated_at: version }: Subscription,
  cursor: Cursor,
  known: { readonly parked: number; readonly standing: Standing | undefined; readonly nowMs: number },
): SubscriptionStatus {
  const { parked, standing } = known;
  const { toldAtMs, failingSinceMs, lastError, movedBack } = cursor;
  const state = stateOf(wish, cursor, version);
  const isInTrouble = state === 'failing' || state === 'suspended';
  return {
    id,
    tenant_id: tenantId,
    name,
    state,
    seq: cursor.seq,
    told_seq: toldSeq(cursor),
    ...(toldAtMs === null ? {} : { last_success_at: new Date(toldAtMs).toISOString() }),
    ...(isInTrouble && failingSinceMs !== null ? { failing_since: new Date(failingSinceMs).toISOString() } : {}),
    ...(isInTrouble && lastError !== '' ? { last_error: lastError } : {}),
    ...(movedBack === null ? {} : { moved_back: shownMove(movedBack) }),
    parked,
    lag: standing === undefined ? null : lagOf(cursor.seq, standing, known.nowMs),
    last_failure: standing?.lastFailure === undefined ? null : toPublicAttempt(standing.lastFailure),
    attempts: (standing?.attempts ?? []).map(toPublicAttempt),
  };
}

function shownMove({ fromSeq, toSeq, atMs }: MovedBack): NonNullable<SubscriptionStatus['moved_back']> {
  return { from_seq: fromSeq, to_seq: toSeq, at: new Date(atMs).toISOString() };
}

/** A change of a suspended subscription is its owner's word to go on, even before delivery has acted on it. */
function stateOf(
  wish: Subscription['state'],
  { state, suspendedVersion }: Cursor,
  version: string,
): SubscriptionStatus['state'] {
  if (state === 'suspended') return suspendedVersion === version ? 'suspended' : wish;
  return wish === 'paused' ? 'paused' : state;
}

/** What is sent straight from Kafka may be ahead of what is stored. */
function lagOf(
  seq: number,
  { headSeq, nextReceivedAtMs }: Standing,
  nowMs: number,
): NonNullable<SubscriptionStatus['lag']> {
  const events = Math.max(0, headSeq - seq);
  const ageMs = events === 0 || nextReceivedAtMs === undefined ? 0 : Math.max(0, nowMs - nextReceivedAtMs);
  return { events, seconds: Math.round(ageMs) / 1_000, head_seq: headSeq };
}
