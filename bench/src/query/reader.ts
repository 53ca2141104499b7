import { createDirectoryView, createDirectoryWriter, newApiKey, type ApiKey } from '@docket/directory';
import { eventually, startService, type ServiceProcess, type World } from '@docket/testkit';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';

/** The query service on one database, and keys for every tenant. */
export interface Reader {
  readonly service: ServiceProcess;
  /** A whole request: the body has been read. Rejects on any status but 200. Keys are taken in turn. */
  get(path: string, reader?: number): Promise<void>;
  /** A JSON answer. Rejects on any status but 200. */
  read(path: string): Promise<unknown>;
  /** An answer whose bytes are taken as they come, with less work than `fetch` makes of them: the cores are shared. */
  download(path: string): Promise<IncomingMessage>;
  stop(): Promise<void>;
}

const keysCount = 20;

export async function startReader(world: World, database: string): Promise<Reader> {
  const view = createDirectoryView(world.kafka, { onCrash: () => undefined });
  view.start();
  const writer = createDirectoryWriter(world.kafka, { view, onFenced: () => undefined, answerMsMax: 60_000 });
  writer.start();
  const made = Array.from({ length: keysCount }, () => newApiKey());
  const puts = made.map(({ id, secretSha256 }): ApiKey => ({
    version: 1,
    kind: 'key',
    id,
    name: 'bench',
    secret_sha256: secretSha256,
    scopes: ['events:read'],
    tenants: '*',
    created_at: new Date().toISOString(),
  }));
  await eventually(() => view.isCaughtUp(), { what: 'the directory' });
  await writer.change(
    () => ({ puts, result: undefined }),
    () => [],
  );
  await writer.stop();
  await view.stop();
  const service = await startService('query', { ...world.env, CLICKHOUSE_DATABASE: database });

  async function open(path: string, reader = 0): Promise<Response> {
    const authorization = `Bearer ${made[reader % keysCount]?.text ?? ''}`;
    const response = await fetch(`${service.url}${path}`, { headers: { authorization } });
    if (response.status !== 200) {
      throw new Error(`${path}: ${response.status} ${(await response.text()).slice(0, 500)}`);
    }
    return response;
  }
  async function get(path: string, reader = 0): Promise<void> {
    await (await open(path, reader)).arrayBuffer();
  }
  async function download(path: string): Promise<IncomingMessage> {
    const headers = { authorization: `Bearer ${made[0]?.text ?? ''}` };
    const [response] = await once(httpGet(`${service.url}${path}`, { headers }), 'response');
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
    return response;
  }
  await eventually(() => get('/v1/whoami').then(() => true), { what: 'the keys are known' });
  return {
    service,
    get,
    read: async (path) => (await open(path)).json(),
    download,
    stop: async () => void (await service.stop()),
  };
}
