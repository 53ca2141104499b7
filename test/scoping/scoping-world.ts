import { randomBytes } from 'node:crypto';
import type { ClickHouse } from '@docket/clickhouse';
import { createWorld, eventually, startService, type ServiceProcess, type World } from '@docket/testkit';
import { markTenant, type MarkedTenant } from './marked-tenant.ts';

export interface Ask {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RawAnswer {
  readonly status: number;
  /** Status line, headers and body, as they came, and the bytes that stand in it in base64. */
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ScopingWorld {
  readonly left: MarkedTenant;
  readonly right: MarkedTenant;
  readonly middle: MarkedTenant;
  /** DOCKET_TOKEN_KEYS, for forging. */
  readonly tokenKeys: string;
  /** The credential that made everything. */
  readonly root: string;
  /** A key of each tenant that reads and writes its log. */
  readonly readerKeys: ReadonlyMap<string, string>;
  /** Sends a request through the gateway; without a credential when it is empty. */
  readonly ask: (credential: string, ask: Ask) => Promise<RawAnswer>;
  /** The same, for what has to work: rejects with the answer otherwise. */
  readonly need: (credential: string, ask: Ask) => Promise<RawAnswer>;
  readonly makeKey: (
    scopes: readonly string[],
    tenants: readonly string[] | '*',
    more?: object,
  ) => Promise<{ id: string; key: string }>;
  close(): Promise<void>;
} // prettier-ignore

const allScopes = ['events:write', 'events:read', 'subscriptions:write', 'admin'] as const;
export { allScopes };

/** Gateway, query, admin, delivery and ingestor as processes, and three tenants whose events can be read. */
export async function createScopingWorld(): Promise<ScopingWorld> {
  const world = await createWorld();
  const running: ServiceProcess[] = [];
  const root = randomBytes(24).toString('hex');
  const readerKeys = new Map<string, string>();
  const close = async (): Promise<void> => {
    await Promise.all(running.map((service) => service.kill()));
    await world.close();
  };
  try {
    const gatewayUrl = await startAll(world, root, running);
    const { clickhouse } = world;
    const ask: ScopingWorld['ask'] = (credential, request) => send({ url: gatewayUrl, clickhouse }, credential, request);
    const need: ScopingWorld['need'] = async (credential, request) => {
      const answer = await ask(credential, request);
      if (answer.status >= 300) throw new Error(`${request.method} ${request.path}: ${answer.text}`);
      return answer;
    };
    const makeKey: ScopingWorld['makeKey'] = async (scopes, tenants, more = {}) => {
      const body = { name: `key-${randomBytes(4).toString('hex')}`, scopes, tenants, ...more };
      const made = await need(root, { method: 'POST', path: '/v1/keys', body });
      return { id: String(made.body['id']), key: String(made.body['key']) };
    };
    const [left, right, middle] = [markTenant('left', 1), markTenant('right', 2), markTenant('middle', 3)];
    const scoping = { left, right, middle, tokenKeys: world.env['DOCKET_TOKEN_KEYS'] ?? '', root, ask, need, makeKey, readerKeys, close };
    for (const tenant of [left, right, middle]) readerKeys.set(tenant.id, await fill(scoping, tenant));
    return scoping;
  } catch (error) {
    await close();
    throw error;
  }
} // prettier-ignore

async function startAll(world: World, root: string, running: ServiceProcess[]): Promise<string> {
  const env = {
    ...world.env,
    DOCKET_BOOTSTRAP_TOKEN: root,
    DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
    QUERY_TENANT_CONCURRENCY_MAX: '64',
  };
  const start = async (name: string, more: Record<string, string> = {}): Promise<string> => {
    const service = await startService(name, { ...env, ...more });
    running.push(service);
    return service.url;
  };
  const services = ['query', 'admin', 'delivery', 'ingestor'] as const;
  const [queryUrl, adminUrl, deliveryUrl] = await Promise.all(services.map((name) => start(name)));
  return start('gateway', {
    QUERY_URL: queryUrl ?? '',
    ADMIN_URL: adminUrl ?? '',
    DELIVERY_URL: deliveryUrl ?? '',
  });
}

interface Door {
  readonly url: string;
  /** Reads what is no text. */
  readonly clickhouse: ClickHouse;
}

async function send(
  { url, clickhouse }: Door,
  credential: string,
  { method, path, body, headers = {} }: Ask,
): Promise<RawAnswer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(credential === '' ? {} : { authorization: `Bearer ${credential}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await textOf(response, clickhouse);
  const lines = [`${response.status} ${response.statusText}`, ...[...response.headers].map((pair) => pair.join(': '))];
  const isJson = /^application\/(?:problem\+)?json/.test(response.headers.get('content-type') ?? '');
  const parsed: unknown = isJson ? JSON.parse(text) : {};
  const decoded = [...text.matchAll(/"raw":"([^"]+)"/g)].map(([, raw = '']) =>
    Buffer.from(raw, 'base64').toString('utf8'),
  );
  const whole = [lines.join('\n'), '', text, ...decoded].join('\n');
  return { status: response.status, text: whole, body: { ...Object(parsed) } };
}

/** A live stream has no end: what comes within this time of it, which holds all that its log had. */
const streamMs = 400;

async function textOf(response: Response, clickhouse: ClickHouse): Promise<string> {
  if (response.headers.get('content-type') === 'application/vnd.apache.parquet')
    return textOfParquet(Buffer.from(await response.arrayBuffer()), clickhouse);
  if (response.body === null || response.headers.get('content-type')?.startsWith('text/event-stream') !== true)
    return response.text();
  const reader = response.body.getReader();
  const end = setTimeout(() => void reader.cancel(), streamMs);
  let bytes = Buffer.alloc(0);
  for (let next = await reader.read(); !next.done; next = await reader.read())
    bytes = Buffer.concat([bytes, Buffer.from(next.value)]);
  clearTimeout(end);
  return bytes.toString('utf8');
}

/** Its bytes are compressed, so that no mark would be seen in them. ClickHouse answers with an error where there is no row to select from. */
async function textOfParquet(bytes: Buffer, clickhouse: ClickHouse): Promise<string> {
  const params = { file: bytes.toString('base64') };
  const file = 'base64Decode({file:String})';
  const sql = `SELECT num_rows AS n FROM format(ParquetMetadata, ${file})`;
  const [counted] = await clickhouse.query<{ n: number }>(sql, params);
  if (counted?.n === 0) return '';
  return (await clickhouse.queryBytes(`SELECT * FROM format(Parquet, ${file}) FORMAT JSONEachRow`, params)).toString(
    'utf8',
  );
}

async function fill({ root, need, ask, makeKey }: ScopingWorld, tenant: MarkedTenant): Promise<string> {
  const { id, prefix, events } = tenant;
  await need(root, { method: 'POST', path: '/v1/tenants', body: { id, name: `${prefix}tenant` } });
  const { key } = await makeKey(['events:write', 'events:read'], [id], { name: `${prefix}key` });
  const known = async () => (await ask(key, { method: 'GET', path: '/v1/whoami' })).status === 200;
  await eventually(known, { what: 'the key at the query service' });
  const unreadable = { id: events[0]?.id, tenant_id: id, action: `${prefix}NOT VALID`, actor: 7 };
  const post = async (body: unknown) =>
    (await ask(key, { method: 'POST', path: '/v1/events', body, headers: { prefer: 'handling=lenient' } })).status === 202;
  await eventually(() => post({ events: events.map(({ input }) => input) }), { what: 'the events are taken' });
  await need(key, { method: 'POST', path: '/v1/events', body: unreadable, headers: { prefer: 'handling=lenient' } });
  for (const event of events) await need(key, { method: 'GET', path: `/v1/events/${event.id}?wait=20` });
  return key;
} // prettier-ignore
