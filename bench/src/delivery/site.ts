import { newWebhookSecret, readMasterKey, recordOfEntity, sealSecret, webhookSecretBytes } from '@docket/directory';
import type { Subscription } from '@docket/directory';
import { createPublisher } from '@docket/kafka';
import { createWorld, eventually, startService } from '@docket/testkit';
import type { ServiceProcess, StartServiceOptions, World } from '@docket/testkit';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLoad, tenantName, type Load } from './load.ts';
import { startReceiverProcess, type ReceiverProcess } from './receiver-process.ts';

/** An endpoint and the one subscription that delivers to it. */
export interface Endpoint {
  /** Whose events it gets. */
  readonly tenant: number;
  readonly layout: 'single' | 'batch';
  readonly isPaused?: boolean;
  /** Nothing listens there. */
  readonly isClosed?: boolean;
}

/** An installation with its receivers and its load, for one scenario. */
export interface Site {
  readonly world: World;
  readonly receivers: ReceiverProcess;
  readonly load: Load;
  readonly endpoints: readonly Endpoint[];
  readonly directory: string;
  delivery(): ServiceProcess;
  /** Starts delivery; it is ready when this resolves. */
  startDelivery(): Promise<void>;
  /** Pauses or resumes the subscription of an endpoint. */
  setPaused(endpoint: number, isPaused: boolean): Promise<void>;
  /** Events for endpoints `from` up to, but not including, `to`: one for several counts for each. */
  published(from: number, to: number): number;
  /** Resolves when endpoints `from` up to, but not including, `to` have acknowledged all that was published for them. Rejects on a hole. */
  untilAcknowledged(from: number, to: number, deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface SiteOptions {
  readonly tenants: number;
  readonly endpoints: readonly Endpoint[];
  /** Whether ClickHouse is filled beside: what leaves the tail comes from there. */
  readonly hasIngestor: boolean;
}

/** Ports of receivers: each is an origin of its own to the sender, as other customers' servers are. */
const originsMax = 1_000;
/** Of the topic, as `docket migrate` makes it. */
const partitions = 12;
const closedPort = 1;
const subscriptionsAtOnce = 1_000;
/** Named when events are missing. */
const behindMax = 10;

export async function openSite({ tenants, endpoints, hasIngestor }: SiteOptions): Promise<Site> {
  const directory = await mkdtemp(join(tmpdir(), 'docket-bench-delivery-'));
  const world = await createWorld({ partitions });
  const masterKey = randomBytes(32).toString('base64');
  const secret = newWebhookSecret();
  const receivers = await startReceiverProcess(
    Math.min(originsMax, endpoints.length),
    webhookSecretBytes(secret)?.toString('base64') ?? '',
  );
  const seal = (id: string): string => sealSecret(readMasterKey(masterKey), id, secret);
  const subscriptionAt = (index: number, endpoint: Endpoint): Subscription => {
    const port = endpoint.isClosed === true ? closedPort : receivers.ports[index % receivers.ports.length];
    const url = `http://127.0.0.1:${port}/endpoint/${index}/${endpoint.tenant}`;
    return subscriptionOf(index, endpoint, url, seal);
  };
  await putSubscriptions(
    world,
    endpoints.map((endpoint, index) => subscriptionAt(index, endpoint)),
  );
  const load = await startLoad(world, tenants, directory);
  const ingestor = hasIngestor ? await startService('ingestor', world.env) : undefined;
  let delivery: ServiceProcess | undefined;

  const published = (from: number, to: number): number =>
    endpoints.slice(from, to).reduce((sum, { tenant }) => sum + load.published(tenant), 0);

  /** Some of the endpoints that have not acknowledged all. */
  const endpointsBehind = async (from: number, to: number): Promise<string[]> => {
    const behind: string[] = [];
    for (let index = from; index < to && behind.length < behindMax; index += 1) {
      const expected = published(index, index + 1);
      const { acknowledged } = await receivers.counts(index, index + 1);
      if (acknowledged < expected) behind.push(`endpoint ${index} has ${acknowledged} of ${expected}`);
    }
    return behind;
  };

  return {
    world,
    receivers,
    load,
    endpoints,
    directory,
    published,
    delivery: () => {
      if (delivery === undefined) throw new Error('delivery has not been started');
      return delivery;
    },
    startDelivery: async () => {
      // What arrives is compared with what the load has sent; notices are events, too.
      const withoutNotices = { DELIVERY_NOTICE_AFTER_SECONDS: '86400' };
      const env = { ...world.env, DOCKET_MASTER_KEY: masterKey, SINK_ALLOWED_HOSTS: '127.0.0.1', ...withoutNotices };
      delivery = await startService('delivery', env, profiled('delivery'));
    },
    setPaused: async (index, isPaused) => {
      const endpoint = endpoints[index];
      if (endpoint === undefined) throw new Error(`there is no endpoint ${index}`);
      await putSubscriptions(world, [subscriptionAt(index, { ...endpoint, isPaused })]);
    },
    untilAcknowledged: async (from, to, deadlineMs) => {
      const expected = published(from, to);
      try {
        await eventually(async () => (await receivers.counts(from, to)).acknowledged >= expected, {
          what: `acknowledgements of ${expected} events by endpoints ${from} to ${to - 1}`,
          deadlineMs,
          intervalMs: 10,
        });
      } catch (cause) {
        throw new Error(`behind: ${(await endpointsBehind(from, to)).join('; ')}`, { cause });
      }
      const { acknowledged } = await receivers.counts(from, to);
      if (acknowledged !== expected) throw new Error(`${acknowledged} events were acknowledged of ${expected}`);
    },
    close: async () => {
      await delivery?.stop();
      await ingestor?.stop();
      await load.stop();
      await receivers.stop();
      await world.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** BENCH_CPU_PROFILES=dir: a .cpuprofile of delivery is written there when it ends. */
function profiled(service: string): StartServiceOptions {
  const directory = process.env['BENCH_CPU_PROFILES'];
  if (directory === undefined) return {};
  return {
    command: [process.execPath, '--cpu-prof', `--cpu-prof-dir=${directory}`, `services/${service}/dist/main.js`],
  };
}

/** As admin makes it by default, but for the wait: a batch goes as soon as there is something to send. */
function subscriptionOf(
  index: number,
  { tenant, layout, isPaused = false }: Endpoint,
  url: string,
  seal: (id: string) => string,
): Subscription {
  const id = `sub_${index}`;
  const now = new Date().toISOString();
  return {
    version: 1,
    kind: 'subscription',
    id,
    tenant_id: tenantName(tenant),
    name: 'a SIEM',
    sink: { type: 'webhook', url, secrets: [{ sealed: seal(id), created_at: now }], layout },
    batch: { max_events: 100, max_bytes: 1024 * 1024, max_wait_ms: 0 },
    state: isPaused ? 'paused' : 'active',
    start_after_seq: 0,
    created_at: now,
    updated_at: now,
  };
}

async function putSubscriptions(world: World, subscriptions: readonly Subscription[]): Promise<void> {
  const publisher = createPublisher(world.kafka, { deadlineMs: 30_000 });
  try {
    for (let from = 0; from < subscriptions.length; from += subscriptionsAtOnce) {
      const records = subscriptions
        .slice(from, from + subscriptionsAtOnce)
        .map((subscription) => ({ ...recordOfEntity(subscription), partition: 0 }));
      const outcomes = await publisher.publish(world.kafka.topics.directory.name, records);
      const failed = outcomes.find((outcome) => !outcome.ok);
      if (failed !== undefined) throw new Error('a subscription was not written', { cause: failed });
    }
  } finally {
    await publisher.stop();
  }
}
