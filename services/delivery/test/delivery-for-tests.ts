import { randomBytes } from 'node:crypto';
import { newEventId } from '@docket/event';
import { newWebhookSecret, readMasterKey, recordOfEntity, sealSecret } from '@docket/directory';
import type { SealedSecret, Sink, Subscription } from '@docket/directory';
import { createPublisher } from '@docket/kafka';
import {
  checkBatchChain,
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  startReceiver,
  startService,
} from '@docket/testkit';
import type { Behaviour, Receiver, ServiceProcess, World } from '@docket/testkit';

export const masterKeyText = randomBytes(32).toString('base64');
const masterKey = readMasterKey(masterKeyText);

/** Settings of delivery in a world; receivers are on the loopback, so that is allowed. */
export function deliveryEnv(world: World, changes: Record<string, string> = {}): Record<string, string> {
  return { ...world.env, DOCKET_MASTER_KEY: masterKeyText, SINK_ALLOWED_HOSTS: '127.0.0.1', ...changes };
}

export function startDelivery(world: World, changes: Record<string, string> = {}): Promise<ServiceProcess> {
  return startService('delivery', deliveryEnv(world, changes));
}

/** A receiver and the subscription that delivers to it. */
export interface Subscriber {
  readonly receiver: Receiver;
  readonly subscription: Subscription;
}

export async function subscribe(
  world: World,
  tenantId: string,
  options: {
    behaviour?: Behaviour;
    batch?: Partial<Subscription['batch']>;
    startAfterSeq?: number;
    filter?: string;
    format?: 'native' | 'ocsf';
    mode?: Subscription['mode'];
    /** Default: a webhook with a signing secret. */
    sink?: { readonly token: string; readonly at: (url: string, secrets: SealedSecret[]) => Sink };
  } = {},
): Promise<Subscriber> {
  const id = `sub_${randomBytes(6).toString('hex')}`;
  const { sink } = options;
  const secret = sink?.token ?? newWebhookSecret();
  const receiver = await startReceiver({
    secrets: sink === undefined ? [secret] : [],
    ...(options.behaviour === undefined ? {} : { behaviour: options.behaviour }),
  });
  const now = new Date().toISOString();
  const secrets = [{ sealed: sealSecret(masterKey, id, secret), created_at: now }];
  const subscription: Subscription = {
    version: 1,
    kind: 'subscription',
    id,
    tenant_id: tenantId,
    name: 'a SIEM',
    format: options.format ?? 'native',
    sink: sink?.at(receiver.url, secrets) ?? { type: 'webhook', url: `${receiver.url}/in`, secrets },
    ...(options.filter === undefined ? {} : { filter: options.filter }),
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    batch: { max_events: 20, max_bytes: 100_000, max_wait_ms: 100, ...options.batch },
    state: 'active',
    start_after_seq: options.startAfterSeq ?? 0,
    created_at: now,
    updated_at: now,
  };
  await putSubscription(world, subscription);
  return { receiver, subscription };
}

/** Writes to the directory as admin would, without one. */
export async function putSubscription(world: World, subscription: Subscription): Promise<void> {
  const publisher = createPublisher(world.kafka);
  const [outcome] = await publisher.publish(world.kafka.topics.directory.name, [
    { ...recordOfEntity(subscription), partition: 0 },
  ]);
  await publisher.stop();
  if (outcome === undefined || !outcome.ok) throw new Error('the subscription was not written', { cause: outcome });
}

/** Publishes events of a tenant, in order; gives their ids. */
export async function record(world: World, tenantId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newEventId());
  await publishRecords(
    world,
    ids.map((id) => eventRecord(world, eventInput(tenantId, { id }))),
  );
  return ids;
}

export const bodiesOf = (requests: readonly { readonly body: Buffer }[]): unknown[] =>
  requests.map(({ body }): unknown => JSON.parse(body.toString()));

/** The ids of the events in a body, in its order. */
export function idsIn(body: unknown): string[] {
  const chain = checkBatchChain([body]);
  return [...chain.events, ...chain.replayed].map(({ id }) => id);
}

/** The ids in the order in which the receiver saw each for the first time, acknowledged or not. */
export function firstReceipts(receiver: Receiver): string[] {
  return [...new Set(bodiesOf(receiver.requests).flatMap(idsIn))];
}

/** Waits until the receiver has acknowledged the last of these events. */
export async function untilAccepted(receiver: Receiver, ids: readonly string[], deadlineMs = 60_000): Promise<void> {
  const last = ids.at(-1) ?? '';
  await eventually(() => receiver.accepted().some(({ body }) => body.includes(last)), {
    what: `the acknowledgement of ${last}`,
    deadlineMs,
  });
}
