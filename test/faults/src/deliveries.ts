import { newWebhookSecret, readMasterKey, recordOfEntity, sealSecret } from '@docket/directory';
import type { Subscription } from '@docket/directory';
import { newEventId } from '@docket/event';
import { createPublisher } from '@docket/kafka';
import {
  createWorld,
  eventInput,
  eventRecord,
  eventually,
  startReceiver,
  startService,
  type Receiver,
  type ServiceProcess,
  type World,
} from '@docket/testkit';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expectThat } from './fault-case.ts';
import { noteRunning } from './ingestor.ts';
import { checkReceipts } from './receipts.ts';

/** A world whose tenants each have one subscription, with a receiver in this process that keeps every request. */
export interface Deliveries {
  readonly world: World;
  readonly receivers: readonly Receiver[];
  /** Starts a delivery process; ready when it resolves. */
  startDelivery(env?: Readonly<Record<string, string>>): Promise<ServiceProcess>;
  /** Starts one of which nothing is awaited but that it listens. */
  startUnready(env?: Readonly<Record<string, string>>): Promise<ServiceProcess>;
  startIngestor(): Promise<ServiceProcess>;
  /** Publishes events to every tenant, acknowledged by Kafka. */
  publish(eventsEach: number): Promise<void>;
  /** Goes on publishing until it is stopped. */
  produce(eventsEachPerSecond: number): { stop(): Promise<void> };
  /** Events of all tenants that Kafka has acknowledged. */
  published(): number;
  /** Events that receivers have acknowledged, repeats included. */
  acknowledged(): number;
  /** Events that were acknowledged within the last so many ms. */
  acknowledgedWithin(ms: number): number;
  /** Resolves when all receivers have acknowledged their tenants' last events. */
  untilDelivered(what: string, deadlineMs?: number): Promise<void>;
  /**
   * I6: every receiver has acknowledged every event of its tenant, first receipts were in seq order, every batch accounts for its range and begins
   * where one before it ended, all are signed, and at most `repeatsMax` events came again. Then the world is removed; stop the services first.
   */
  finish(repeatsMax: number): Promise<string>;
}

const allTenants = ['acme', 'globex', 'initech', 'umbrella', 'hooli', 'stark', 'wayne', 'tyrell'] as const;
export const batchEventsMax = 50;
const producedEveryMs = 100;
const deliveredDeadlineMs = 120_000;

export async function createDeliveries(options: { readonly tenants?: number } = {}): Promise<Deliveries> {
  const tenants = allTenants.slice(0, options.tenants ?? allTenants.length);
  const world = await createWorld({ partitions: 4 });
  const masterKey = randomBytes(32).toString('base64');
  const secrets = tenants.map(() => newWebhookSecret());
  const receivers = await Promise.all(secrets.map((secret) => startReceiver({ secrets: [secret] })));
  const publisher = createPublisher(world.kafka, { deadlineMs: 60_000 });
  await publisher.start();
  const subscriptions = tenants.map((tenantId, index) =>
    subscriptionOf(tenantId, `${receivers[index]?.url}/in`, (id) =>
      sealSecret(readMasterKey(masterKey), id, secrets[index] ?? ''),
    ),
  );
  const put = await publisher.publish(
    world.kafka.topics.directory.name,
    subscriptions.map((subscription) => ({ ...recordOfEntity(subscription), partition: 0 })),
  );
  expectThat(
    put.every(({ ok }) => ok),
    'the subscriptions were not written',
  );
  /** Ids in the order of their tenant's log. */
  const sent = new Map<string, string[]>(tenants.map((tenantId) => [tenantId, []]));
  // Notices are events of the same logs, which are compared with what was recorded here.
  const withoutNotices = { DELIVERY_NOTICE_AFTER_SECONDS: '86400' };
  const env = { ...world.env, DOCKET_MASTER_KEY: masterKey, SINK_ALLOWED_HOSTS: '127.0.0.1', ...withoutNotices };

  const publish = async (eventsEach: number): Promise<void> => {
    const events = Array.from({ length: eventsEach }, () =>
      tenants.map((tenantId) => ({ tenantId, id: newEventId() })),
    ).flat();
    const records = events.map(({ tenantId, id }) => eventRecord(world, eventInput(tenantId, { id })));
    const outcomes = await publisher.publish(world.kafka.topics.events.name, records);
    for (const [index, outcome] of outcomes.entries()) {
      const { tenantId = '', id = '' } = events[index] ?? {};
      if (!outcome.ok) throw new Error('a record was not acknowledged', { cause: outcome.error });
      sent.get(tenantId)?.push(id);
    }
  };
  const eventsIn = (receiver: Receiver, sinceMs: number): number =>
    receiver
      .accepted()
      .filter(({ arrivedAtMs }) => arrivedAtMs >= sinceMs)
      .reduce((sum, { body }) => sum + countOf(body), 0);
  const start = async (unready: boolean, more: Readonly<Record<string, string>>): Promise<ServiceProcess> =>
    noteRunning(await startService('delivery', { ...env, ...more }, { until: unready ? 'listening' : 'ready' }));

  return {
    world,
    receivers,
    startDelivery: (more = {}) => start(false, more),
    startUnready: (more = {}) => start(true, more),
    startIngestor: async () => noteRunning(await startService('ingestor', world.env)),
    publish,
    produce: (eventsEachPerSecond) => {
      const stopping = new AbortController();
      const producing = (async () => {
        const beganAtMs = performance.now();
        for (let made = 0; !stopping.signal.aborted; await pause(producedEveryMs)) {
          const due = Math.floor(((performance.now() - beganAtMs) / 1_000) * eventsEachPerSecond) - made;
          made += due;
          if (due > 0) await publish(due);
        }
      })();
      producing.catch(() => undefined);
      return {
        stop: async () => {
          stopping.abort();
          await producing;
        },
      };
    },
    published: () => [...sent.values()].reduce((sum, ids) => sum + ids.length, 0),
    acknowledged: () => receivers.reduce((sum, receiver) => sum + eventsIn(receiver, 0), 0),
    acknowledgedWithin: (ms) => receivers.reduce((sum, receiver) => sum + eventsIn(receiver, Date.now() - ms), 0),
    untilDelivered: async (what, deadlineMs = deliveredDeadlineMs) => {
      const lasts = tenants.map((tenantId) => sent.get(tenantId)?.at(-1) ?? '');
      await eventually(
        () =>
          receivers.every(
            (receiver, index) =>
              receiver
                .accepted()
                .at(-1)
                ?.body.includes(lasts[index] ?? '') === true,
          ),
        { what, deadlineMs, intervalMs: 50 },
      );
    },
    finish: async (repeatsMax) => {
      const checked = tenants.map((tenantId, index) =>
        checkReceiver(tenantId, receivers[index], sent.get(tenantId) ?? []),
      );
      const repeats = checked.reduce((sum, one) => sum + one, 0);
      const events = [...sent.values()].reduce((sum, ids) => sum + ids.length, 0);
      const seen = `${events} events, 0 lost, 0 out of order, ${repeats} came again (at most ${repeatsMax})`;
      expectThat(repeats <= repeatsMax, seen);
      await publisher.stop();
      await Promise.all(receivers.map((receiver) => receiver.close()));
      await world.close();
      return seen;
    },
  };
}

/** Gives how many events came again. */
function checkReceiver(tenantId: string, receiver: Receiver | undefined, ids: readonly string[]): number {
  if (receiver === undefined) throw new Error(`${tenantId} has no receiver`);
  const { received, refused, first, acknowledged } = checkReceipts(tenantId, receiver, ids);
  expectThat(first.length === ids.length, `${tenantId}: ${first.length} events were received, ${ids.length} published`);
  expectThat(acknowledged.size === ids.length, `${tenantId}: not every event was acknowledged`);
  return received.length - first.length - refused.length;
}

function countOf(body: Buffer): number {
  return Number(/"count":(\d+)/.exec(body.toString('latin1', 0, 1_024))?.[1] ?? 0);
}

function subscriptionOf(tenantId: string, url: string, seal: (id: string) => string): Subscription {
  const id = `sub_${tenantId}`;
  const now = new Date().toISOString();
  return {
    version: 1,
    kind: 'subscription',
    id,
    tenant_id: tenantId,
    name: 'a SIEM',
    sink: { type: 'webhook', url, secrets: [{ sealed: seal(id), created_at: now }] },
    batch: { max_events: batchEventsMax, max_bytes: 1024 * 1024, max_wait_ms: 20 },
    state: 'active',
    start_after_seq: 0,
    created_at: now,
    updated_at: now,
  };
}
