import { randomBytes } from 'node:crypto';

import { newWebhookSecret, openSecret, sealSecret } from '@docket/directory';
import type { Credential, DirectoryReader, Subscription } from '@docket/directory';
import type { ApiRouter } from '@docket/runtime';

import { reachOf, requireTenant } from '../access-policy.ts';
import type { PublicSubscription } from '../answer-schemas.ts';
import {
  changeSubscription,
  createSubscription,
  getSubscription,
  listSubscriptions,
  removeSubscription,
  replayRange,
  resumeSubscription,
  rotateSecret,
} from '../endpoints.ts';
import { entityTagOf } from '../entity-tag-policy.ts';
import { pageOf, readPageRequest, readTenantFilter } from '../page-policy.ts';
import { decideReplay } from '../replay-policy.ts';
import { decideRotation, previousValidUntil } from '../secret-rotation-policy.ts';
import { checkWebhookSecret, secretOfNew } from '../sink-policy.ts';
import {
  decideNewSubscription,
  decidePatch,
  decideRemoval,
  decideResume,
  findSubscription,
  tenantOfNew,
  toPublicSubscription,
} from '../subscription-policy.ts';
import type { NewOrder } from '../subscription-policy.ts';
import { bodyOf, callerOf, changeDirectory, idOf, ifMatching, sendPage } from './admin-context.ts';
import type { AdminContext } from './admin-context.ts';

const newSubscriptionId = (): string => `sub_${randomBytes(8).toString('hex')}`;
const newMaskKey = (): string => randomBytes(32).toString('base64');

/** As long as a receiver's owner may need to put the new secret in place. */
const dayInSeconds = 86_400;

export function addSubscriptionRoutes(router: ApiRouter, context: AdminContext): void {
  const { view, sinkAllowedHosts: allowedHosts } = context;
  const isDone = (subscription: Subscription): boolean => context.parked.isDone(subscription);
  const shownOf = (subscription: Subscription): PublicSubscription => toPublicSubscription(subscription, isDone);

  /** Of now: where the log ends is asked before the order is written, so what is accepted after its answer lies behind. */
  const orderFor = async (tenantId: string, isForNow: boolean): Promise<NewOrder> => ({
    id: `res_${randomBytes(8).toString('hex')}`,
    now: new Date().toISOString(),
    end: isForNow ? await context.endOfLog(tenantId) : null,
  });

  router.add(createSubscription, async (req, res) => {
    const caller = callerOf(context, req, createSubscription.access);
    const body = await bodyOf(req, createSubscription.body);
    const tenantId = tenantOfNew(caller, body);
    const secret = secretOfNew(body.sink) ?? newWebhookSecret();
    const id = newSubscriptionId();
    const seal = (text: string): string => sealSecret(context.masterKey, id, text);
    const made = {
      id,
      tenantId,
      sealedSecret: seal(secret),
      now: new Date().toISOString(),
      seal,
      sealMaskKey: () => seal(newMaskKey()),
      isDone,
      order: await orderFor(tenantId, body.start === 'now'),
    };
    const decide = (directory: DirectoryReader) => decideNewSubscription(directory, body, made, allowedHosts);
    const subscription = await changeDirectory(context, res, {
      kind: 'subscription',
      caller,
      decide,
    });
    // The only time that a signing secret is shown: it is sealed for delivery. A token is its owner's, and never shown.
    const shown = body.sink.type === 'webhook' ? { secret } : {};
    res
      .status(201)
      .location(`/v1/subscriptions/${id}`)
      .set('Cache-Control', 'no-store')
      .set('ETag', entityTagOf(subscription))
      .json({ ...shownOf(subscription), ...shown });
  });

  router.add(listSubscriptions, (req, res) => {
    const caller = callerOf(context, req, listSubscriptions.access);
    const tenantId = readTenantFilter(req.query);
    if (tenantId !== undefined) requireTenant(caller, tenantId);
    const all = tenantId === undefined ? view.subscriptions() : view.subscriptionsOf(tenantId);
    const reach = reachOf(caller);
    const mine = all.filter((subscription) => reach.tenant(subscription.tenant_id));
    sendPage(req, res, pageOf(mine, readPageRequest(req.query), shownOf));
  });

  router.add(getSubscription, (req, res) => {
    const caller = callerOf(context, req, getSubscription.access);
    const subscription = findSubscription(view, caller, idOf(req));
    res.set('ETag', entityTagOf(subscription)).json(shownOf(subscription));
  });

  router.add(changeSubscription, async (req, res) => {
    const caller = callerOf(context, req, changeSubscription.access);
    const body = await bodyOf(req, changeSubscription.body);
    const id = idOf(req);
    const seal = (text: string): string => sealSecret(context.masterKey, id, text);
    const decide = (directory: DirectoryReader) =>
      decidePatch(directory, caller, id, body, {
        now: new Date().toISOString(),
        allowedHosts,
        seal,
        sealMaskKey: () => seal(newMaskKey()),
      });
    const subscription = await changeDirectory(context, res, {
      kind: 'subscription',
      caller,
      decide: ifMatching(req, known(caller, id), decide),
    });
    res.set('ETag', entityTagOf(subscription)).json(shownOf(subscription));
  });

  router.add(resumeSubscription, async (req, res) => {
    const caller = callerOf(context, req, resumeSubscription.access);
    const body = await bodyOf(req, resumeSubscription.body);
    const { tenant_id: tenantId } = findSubscription(view, caller, idOf(req));
    const order = await orderFor(tenantId, body.from === 'now');
    const decide = (directory: DirectoryReader) => decideResume(directory, caller, idOf(req), body, order);
    const subscription = await changeDirectory(context, res, {
      kind: 'subscription',
      caller,
      decide: ifMatching(req, known(caller, idOf(req)), decide),
    });
    res.set('ETag', entityTagOf(subscription)).json(shownOf(subscription));
  });

  router.add(replayRange, async (req, res) => {
    const caller = callerOf(context, req, replayRange.access);
    const body = await bodyOf(req, replayRange.body);
    const of = idOf(req);
    const id = newSubscriptionId();
    const reseal = (sealed: string): string => {
      const opened = openSecret(context.masterKey, of, sealed);
      if (!opened.ok) throw new Error(`a secret of ${of} cannot be opened: ${opened.reason}`);
      return sealSecret(context.masterKey, id, opened.secret);
    };
    const made = { id, now: new Date().toISOString(), reseal, isDone };
    const replay = await changeDirectory(context, res, {
      kind: 'subscription',
      caller,
      decide: ifMatching(req, known(caller, of), (directory) => decideReplay(directory, caller, of, body, made)),
    });
    res.status(201).location(`/v1/subscriptions/${id}`).set('ETag', entityTagOf(replay)).json(shownOf(replay));
  });

  router.add(rotateSecret, async (req, res) => {
    const caller = callerOf(context, req, rotateSecret.access);
    const { secret: given, overlap_seconds: overlapSeconds = dayInSeconds } = await bodyOf(req, rotateSecret.body);
    checkWebhookSecret(given, '/secret');
    const id = idOf(req);
    const secret = given ?? newWebhookSecret();
    const made = {
      sealedSecret: sealSecret(context.masterKey, id, secret),
      overlapSeconds,
      now: new Date().toISOString(),
    };
    const rotated = await changeDirectory(context, res, {
      kind: 'subscription',
      caller,
      decide: ifMatching(req, known(caller, id), (directory) => decideRotation(directory, caller, id, made)),
    });
    const until = previousValidUntil(rotated);
    res
      .set('Cache-Control', 'no-store')
      .set('ETag', entityTagOf(rotated))
      .json({ secret, ...(until === undefined ? {} : { previous_valid_until: until }) });
  });

  router.add(removeSubscription, async (req, res) => {
    const caller = callerOf(context, req, removeSubscription.access);
    const id = idOf(req);
    const decide = (directory: DirectoryReader) => decideRemoval(directory, caller, id);
    await changeDirectory(context, res, {
      kind: 'subscription',
      caller,
      decide: ifMatching(req, known(caller, id), decide),
    });
    res.status(204).end();
  });
}

const known =
  (caller: Credential, id: string) =>
  (directory: DirectoryReader): Subscription =>
    findSubscription(directory, caller, id);
