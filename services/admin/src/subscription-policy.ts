import { chooseTenant, hostsAllowedTo, mayActOn } from '@docket/directory';
import type { Credential, Decision, DirectoryReader, Subscription, SubscriptionBatch } from '@docket/directory';
import { isReserved, parseFilter } from '@docket/event';
import { DocketError, invalidField } from '@docket/runtime';

import type { PublicSubscription } from './answer-schemas.ts';
import { storedMask } from './mask-policy.ts';
import { batchDefault } from './request-schemas.ts';
import type { NewSubscriptionBody, ResumeBody, SubscriptionPatchBody } from './request-schemas.ts';
import { newSink, patchedSink, toPublicSink } from './sink-policy.ts';
import type { Seal } from './sink-policy.ts';

/** I8: each is a cursor, a line in every delivery process and a share of its scheduler. */
const subscriptionsMax = 20_000;
const subscriptionsOfTenantMax = 100;

/** Decides which tenant a new subscription is for. Throws tenant_required, tenant_not_allowed, invalid_body. */
export function tenantOfNew(caller: Credential, body: NewSubscriptionBody): string {
  const choice = chooseTenant(caller, body.tenant_id);
  if (!choice.ok) throw new DocketError(choice.code, choice.detail);
  if (isReserved(choice.tenantId)) throw invalidField('/tenant_id', 'begins with docket., which is reserved');
  return choice.tenantId;
}

/** Decides to store a new subscription. Throws invalid_body for its URL or filter, limit_reached. */
export function decideNewSubscription(
  directory: DirectoryReader,
  body: NewSubscriptionBody,
  made: {
    readonly id: string;
    readonly tenantId: string;
    readonly sealedSecret: string;
    readonly now: string;
    readonly seal: Seal;
    readonly sealMaskKey: () => string;
    readonly isDone: IsDone;
    readonly order: NewOrder;
  },
  allowedHosts: readonly string[],
): Decision<Subscription> {
  const { start = 'beginning' } = body;
  const sink = newSink(
    body.sink,
    { sealed: made.sealedSecret, created_at: made.now },
    { allowedHosts: hostsAllowedTo(made.tenantId, allowedHosts), seal: made.seal },
  );
  checkFilter(body.filter);
  requireRoom(directory, made.tenantId, made.isDone);
  const subscription: Subscription = {
    version: 1,
    kind: 'subscription',
    id: made.id,
    tenant_id: made.tenantId,
    name: body.name ?? made.id,
    ...(body.format === undefined ? {} : { format: body.format }),
    sink,
    ...(body.filter === undefined ? {} : { filter: body.filter }),
    ...storedMask({}, body.mask, made.sealMaskKey),
    batch: mergeBatch(batchDefault, body.batch),
    ...(body.mode === undefined ? {} : { mode: body.mode }),
    state: body.state ?? 'active',
    ...beginningOf(start, made.order),
    created_at: made.now,
    updated_at: made.now,
  };
  return { puts: [subscription], result: subscription };
}

/** What an order to go on or to begin elsewhere is made of. */
export interface NewOrder {
  /** Names it, so that delivery carries it out once. */
  readonly id: string;
  readonly now: string;
  /** Where the log ended when it was given. Null: it is not for now. */
  readonly end: LogEnd | null;
}

/** The end of a log's partition in Kafka. */
export type LogEnd = NonNullable<NonNullable<Subscription['resume']>['place']>;

function beginningOf(
  start: NonNullable<NewSubscriptionBody['start']>,
  order: NewOrder,
): Pick<Subscription, 'start_after_seq' | 'resume'> {
  if (start === 'beginning') return { start_after_seq: 0 };
  if (start !== 'now' && 'after_seq' in start) return { start_after_seq: start.after_seq };
  return { start_after_seq: 0, resume: orderOf(start, '/start/time', order) };
}

/** Throws invalid_body. */
function orderOf(
  from: 'now' | { readonly time: string },
  pointer: string,
  { id, now, end }: NewOrder,
): NonNullable<Subscription['resume']> {
  if (from === 'now') return { id, received_from: now, ...(end === null ? {} : { place: end }) };
  const timeMs = /^\d{4}-\d{2}-\d{2}T/.test(from.time) ? Date.parse(from.time) : Number.NaN;
  if (Number.isNaN(timeMs) || timeMs < 0) throw invalidField(pointer, 'is no time of RFC 3339');
  return { id, received_from: new Date(Math.min(timeMs, Date.parse(now))).toISOString() };
}

/**
 * Decides to change a subscription: what the body names, the rest stays. Throws not_found, invalid_body.
 * @param context.seal seals what is secret of the sink for the subscription.
 */
export function decidePatch(
  directory: DirectoryReader,
  caller: Credential,
  id: string,
  body: SubscriptionPatchBody,
  context: {
    readonly now: string;
    readonly allowedHosts: readonly string[];
    readonly seal: Seal;
    readonly sealMaskKey: () => string;
  },
): Decision<Subscription> {
  const known = findSubscription(directory, caller, id);
  checkFilter(body.filter);
  const sinkContext = { ...context, allowedHosts: hostsAllowedTo(known.tenant_id, context.allowedHosts) };
  const patched: Subscription = {
    ...known,
    name: body.name ?? known.name,
    sink: body.sink === undefined ? known.sink : patchedSink(known.sink, body.sink, sinkContext),
    ...(body.filter === undefined ? {} : { filter: body.filter }),
    ...storedMask(known, body.mask, context.sealMaskKey),
    batch: mergeBatch(known.batch, body.batch),
    ...(body.mode === undefined ? {} : { mode: body.mode }),
    state: body.state ?? known.state,
  };
  // A patch that changes nothing is no change: it writes nothing, so delivery is not disturbed.
  if (JSON.stringify(patched) === JSON.stringify(known)) return { result: known };
  const subscription: Subscription = { ...patched, updated_at: context.now };
  return { puts: [subscription], result: subscription };
}

/** Decides to let a subscription go on: paused, suspended or failing, it is tried at once. Throws not_found, invalid_body. */
export function decideResume(
  directory: DirectoryReader,
  caller: Credential,
  subscriptionId: string,
  { from }: ResumeBody,
  order: NewOrder,
): Decision<Subscription> {
  const known = findSubscription(directory, caller, subscriptionId);
  const place = from === 'cursor' ? {} : { resume: orderOf(from, '/from/time', order) };
  const resumed: Subscription = { ...known, ...place, state: 'active', updated_at: order.now };
  return { puts: [resumed], result: resumed };
}

/** Decides to remove a subscription with its replays; their cursors are delivery's. Throws not_found. */
export function decideRemoval(directory: DirectoryReader, caller: Credential, id: string): Decision<Subscription> {
  const known = findSubscription(directory, caller, id);
  const replays = directory.subscriptionsOf(known.tenant_id).filter(({ replay }) => replay?.of === id);
  return { removes: [known, ...replays].map((one) => ({ kind: 'subscription', id: one.id })), result: known };
}

/** Throws not_found, also for another tenant's (I5). */
export function findSubscription(
  directory: Pick<DirectoryReader, 'subscription'>,
  caller: Credential,
  id: string,
): Subscription {
  const known = directory.subscription(id);
  if (known === undefined || !mayActOn(caller, known.tenant_id))
    throw new DocketError('not_found', 'No such subscription.');
  return known;
}

/** A subscription without its secrets. */
export function toPublicSubscription(subscription: Subscription, isDone: IsDone): PublicSubscription {
  const {
    id,
    tenant_id,
    name,
    format,
    sink,
    filter = '',
    mask = [],
    batch,
    mode,
    state,
    start_after_seq,
    replay,
    created_at,
    updated_at,
  } = subscription;
  const { max_events, max_bytes, max_wait_ms } = batch;
  return {
    id,
    tenant_id,
    name,
    ...(format === undefined ? {} : { format }),
    sink: toPublicSink(sink),
    filter,
    ...(mask.length === 0 ? {} : { mask: mask.map(({ field, action }) => ({ field, action })) }),
    batch: { max_events, max_bytes, max_wait_ms },
    mode: mode?.type === 'window' ? { type: 'window', batches: mode.batches } : { type: 'ordered' },
    state,
    start_after_seq,
    ...(replay === undefined ? {} : { replay: { of: replay.of, to_seq: replay.to_seq, done: isDone(subscription) } }),
    created_at,
    updated_at,
  };
}

/** Whether a subscription is a replay that has nothing left to do. */
export type IsDone = (subscription: Subscription) => boolean;

/** Throws limit_reached. */
export function requireRoom(directory: DirectoryReader, tenantId: string, isDone: IsDone): void {
  const living = directory.subscriptionsOf(tenantId).filter((subscription) => !isDone(subscription));
  if (living.length >= subscriptionsOfTenantMax) {
    throw new DocketError('limit_reached', `Tenant ${tenantId} has ${subscriptionsOfTenantMax} subscriptions.`);
  }
  if (directory.subscriptions().length >= subscriptionsMax) {
    throw new DocketError('limit_reached', `There are ${subscriptionsMax} subscriptions.`);
  }
}

/** Throws invalid_body. */
export function checkFilter(filter = ''): void {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw invalidField('/filter', `${parsed.error.detail} (at ${parsed.error.position})`);
}

function mergeBatch(base: SubscriptionBatch, changes: NewSubscriptionBody['batch'] = {}): SubscriptionBatch {
  return {
    ...base,
    max_events: changes.max_events ?? base.max_events,
    max_bytes: changes.max_bytes ?? base.max_bytes,
    max_wait_ms: changes.max_wait_ms ?? base.max_wait_ms,
  };
}
