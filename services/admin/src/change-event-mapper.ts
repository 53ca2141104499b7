import { canonicalJson, contextOfOrigin, cutBytes, operatorsLog } from '@docket/event';
import type { EventInput, RequestOrigin } from '@docket/event';
import { viewOf } from '@docket/directory';
import type { Credential, Entity, EntityChange, ParkedEvent, Subscription } from '@docket/directory';

import { bootstrapKeyId } from './access-policy.ts';
import { changedMembers, isSharedKey } from './changed-members-mapper.ts';

/** Who made a change, from where and when. */
export interface ChangeOrigin extends RequestOrigin {
  readonly caller: Credential;
  readonly now: string;
}

/** What a value of an event's metadata takes. */
const seqsBytesMax = 2_048;

const resourceTypes = { tenant: 'tenant', key: 'api_key', subscription: 'subscription' } as const;

/**
 * What a change is called; in its event, after `docket.`. It follows from the entity before and after alone, so nothing that is written can be left
 * without a name.
 */
export function nameOfChange({ before, after }: EntityChange): string {
  const kind = (after ?? before)?.kind ?? 'nothing';
  if (after === undefined) return `${kind}.removed`;
  if (after.kind === 'subscription' && before?.kind === 'subscription') {
    return `subscription.${verbOfSubscription(before, after)}`;
  }
  if (after.kind === 'key' && before?.kind === 'key') {
    return after.revoked_at === before.revoked_at ? 'key.rotated' : 'key.revoked';
  }
  if (before !== undefined) return `${kind}.updated`;
  return after.kind === 'subscription' && after.replay !== undefined
    ? 'subscription.replay_started'
    : `${kind}.created`;
}

function verbOfSubscription(before: Subscription, after: Subscription): string {
  if (before.state !== after.state) return after.state === 'paused' ? 'paused' : 'resumed';
  const isSigned = after.sink.type === 'webhook';
  if (isSigned && canonicalJson(before.sink.secrets) !== canonicalJson(after.sink.secrets)) return 'secret_rotated';
  // An order to go on changes what is to be resumed, or, from the cursor, nothing at all.
  const { updated_at: _before, ...was } = before;
  const { updated_at: _after, ...is } = after;
  const isOrder = before.resume?.id !== after.resume?.id || canonicalJson(was) === canonicalJson(is);
  return isOrder ? 'resumed' : 'updated';
}

/** The events that tell of a change: one in each log that it is about. */
export function eventsOfChange(change: EntityChange, origin: ChangeOrigin): EventInput[] {
  const entity = change.after ?? change.before;
  if (entity === undefined) return [];
  const name = nameOfChange(change);
  const operation = change.before === undefined ? 'create' : change.after === undefined ? 'delete' : 'update';
  return logsOf(entity).map((log) => ({
    ...eventIn(log, name, origin),
    category: entity.kind === 'key' ? 'access' : 'configuration',
    operation,
    resources: resourcesOf(entity),
    changes: changedMembers(change),
  }));
}

/** What may be done about parked events; in the event of it, after `docket.subscription.`. */
export type ParkedDeed = 'parked_replay_started' | 'parked_dismissed';

/** The event that tells that parked events are to be sent again, or done without. */
export function eventOfParked(
  deed: ParkedDeed,
  subscription: Subscription,
  chosen: readonly ParkedEvent[],
  origin: ChangeOrigin,
): EventInput {
  const seqs = chosen.map(({ seq }) => seq);
  return {
    ...eventIn(subscription.tenant_id, `subscription.${deed}`, origin),
    category: 'configuration',
    operation: 'update',
    resources: resourcesOf(subscription),
    metadata: {
      events: seqs.length,
      first_seq: Math.min(...seqs),
      last_seq: Math.max(...seqs),
      // Who does without events says which, as far as that fits.
      ...(deed === 'parked_dismissed' ? { seqs: cutBytes(seqs.join(' '), seqsBytesMax) } : {}),
    },
  };
}

function eventIn(log: string, name: string, { caller, now, ...request }: ChangeOrigin): EventInput {
  const type = caller.keyId === bootstrapKeyId ? 'bootstrap_token' : 'api_key';
  return {
    tenant_id: log,
    occurred_at: now,
    action: `docket.${name}`,
    actor: { type, id: caller.keyId, metadata: { key_id: caller.keyId, view: viewOf(caller) } },
    context: contextOfOrigin(request),
    source: { service: 'docket-admin' },
  };
}

/** In whose logs it is told: those of all tenants that it reaches. */
function logsOf(entity: Entity): readonly string[] {
  switch (entity.kind) {
    case 'tenant':
      return [entity.id];
    case 'subscription':
      return [entity.tenant_id];
    case 'key':
      return entity.tenants === '*' ? [operatorsLog] : entity.tenants;
  }
}

function resourcesOf(entity: Entity): NonNullable<EventInput['resources']> {
  const type = resourceTypes[entity.kind];
  const replayed = entity.kind === 'subscription' && entity.replay !== undefined ? [entity.replay.of] : [];
  return [
    { type, id: entity.id, ...(isSharedKey(entity) ? {} : { name: entity.name.toWellFormed() }) },
    ...replayed.map((id) => ({ type, id })),
  ];
}
