import { createWorld, eventually, startReceiver, type Receiver, type World } from '@docket/testkit';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordingTenants } from './recording-tenants.ts';
import { startRestartable, type Restartable } from './restartable.ts';

/** A whole installation: two ingestors, two deliveries, one of each other service, and a receiver for each tenant. */
export interface ChaosScene {
  readonly world: World;
  /** Where the applications keep their spool and their list of ids. */
  readonly dir: string;
  readonly services: readonly Restartable[];
  readonly gatewayUrl: string;
  readonly writeKey: string;
  readonly readKey: string;
  /** By tenant. */
  readonly receivers: ReadonlyMap<string, Receiver>;
  /** Stops the services. */
  stop(): Promise<void>;
  /** Removes what is left. */
  close(): Promise<void>;
}

export async function createChaosScene(): Promise<ChaosScene> {
  const world = await createWorld();
  const dir = await mkdtemp(join(tmpdir(), 'docket-chaos-'));
  const token = randomBytes(24).toString('hex');
  const env = {
    ...world.env,
    DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
    DOCKET_BOOTSTRAP_TOKEN: token,
    SINK_ALLOWED_HOSTS: '127.0.0.1',
  };
  const start = (name: string, more: Readonly<Record<string, string>> = {}): Promise<Restartable> =>
    startRestartable(name, name.replace(/-\d$/, ''), { ...env, ...more });
  const behind = ['admin', 'query', 'ingestor-1', 'ingestor-2', 'delivery-1', 'delivery-2'] as const;
  const started = await Promise.all(behind.map((name) => start(name)));
  const urlOf = (name: string): string => started.find((one) => one.name === name)?.url ?? '';
  const gateway = await start('gateway', {
    QUERY_URL: urlOf('query'),
    ADMIN_URL: urlOf('admin'),
    DELIVERY_URL: urlOf('delivery-1'),
  });
  const services = [...started, gateway];
  const receivers = new Map<string, Receiver>();

  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const newKey = async (scope: string): Promise<string> =>
    (await post<{ key: string }>('/v1/keys', { name: scope, scopes: [scope], tenants: '*' })).key;

  for (const id of recordingTenants) {
    const receiver = await startReceiver();
    receivers.set(id, receiver);
    await post('/v1/tenants', { id });
    const { secret } = await post<{ secret: string }>('/v1/subscriptions', {
      tenant_id: id,
      name: 'a SIEM',
      sink: { type: 'webhook', url: `${receiver.url}/in` },
      batch: { max_wait_ms: 50 },
      start: 'beginning',
    });
    receiver.expectSecrets(secret);
  }
  const [writeKey, readKey] = [await newKey('events:write'), await newKey('events:read')];
  const headers = { authorization: `Bearer ${readKey}` };
  await eventually(
    async () => (await fetch(`${gateway.url}/v1/feed?tenant_id=${recordingTenants[0]}`, { headers })).ok,
    { what: 'the last key is known' },
  );
  return {
    world,
    dir,
    services,
    gatewayUrl: gateway.url,
    writeKey,
    readKey,
    receivers,
    stop: async () => void (await Promise.all(services.map((service) => service.stop()))),
    close: async () => {
      await Promise.all([...receivers.values()].map((receiver) => receiver.close()));
      await world.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
