import { Option, type Command } from 'commander';
import type { ApiClient, Json } from './api-client.ts';
import { column, printList, printObject, type Column } from './client-output.ts';
import { textOf } from './event-line-mapper.ts';

export interface ClientPorts {
  /** Reads the settings when a command runs. */
  readonly client: () => ApiClient;
  readonly print: (line: string) => void;
}

interface JsonOption {
  readonly json?: true;
}

const ifMatch = ['--if-match <etag>', 'only if it still has this ETag (get --etag)'] as const;
const json = ['--json', 'print JSON: an object, or one a line'] as const;
/** The directory holds no more tenants than this. */
const listMax = 100_000;
const created = column('CREATED', 'created_at');

/** tenants, keys and subscriptions: what the admin API does, for people and scripts. */
export function addDirectoryCommands(program: Command, ports: ClientPorts): void {
  addTenants(program.command('tenants').description('the customers whose logs these are'), ports);
  addKeys(program.command('keys').description('the credentials of services and people'), ports);
  addSubscriptions(program.command('subscriptions').description('where the logs are delivered'), ports);
}

function addTenants(tenants: Command, ports: ClientPorts): void {
  addList(tenants, '/v1/tenants', [column('ID', 'id'), column('NAME', 'name'), created], ports);
  addGet(tenants, '/v1/tenants', ports);
  tenants
    .command('create <id>')
    .description('create a tenant')
    .option('--name <text>', 'for people; without one, the id')
    .option(...json)
    .action(async (id: string, { name, json: isJson }: JsonOption & { name?: string }) => {
      const body = { id, ...(name === undefined ? {} : { name }) };
      printObject(ports.print, await ports.client().send('POST', '/v1/tenants', body), isJson === true);
    });
}

function addKeys(keys: Command, ports: ClientPorts): void {
  const state: Column = {
    heading: 'STATE',
    cell: (key) => (key['revoked_at'] === undefined ? 'valid' : `revoked ${textOf(key['revoked_at'])}`),
  };
  const columns = [
    column('ID', 'id'),
    column('NAME', 'name'),
    { heading: 'SCOPES', cell: (key: Json) => joined(key['scopes']) },
    { heading: 'TENANTS', cell: (key: Json) => joined(key['tenants']) },
    column('EXPIRES', 'expires_at'),
    column('LAST USED', 'last_used_at'),
    state,
  ];
  addList(keys, '/v1/keys', columns, ports);
  addGet(keys, '/v1/keys', ports);
  keys
    .command('create <name>')
    .description('create a key; its secret is shown this once')
    .requiredOption('--scope <scope...>', 'events:write, events:read, subscriptions:write, admin')
    .addOption(new Option('--tenant <id...>', 'the tenants that it is good for').conflicts('allTenants'))
    .option('--all-tenants', 'good for every tenant')
    .option('--expires-at <time>', 'RFC 3339')
    .option(...json)
    .action(async (name: string, options: NewKeyOptions) => {
      const { scope, tenant, allTenants, expiresAt, json: isJson } = options;
      if (tenant === undefined && allTenants !== true) throw new Error('name --tenant, or --all-tenants');
      const body = {
        name,
        scopes: scope,
        tenants: tenant ?? '*',
        ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
      };
      printObject(ports.print, await ports.client().send('POST', '/v1/keys', body), isJson === true);
    });
  keys
    .command('rotate <id>')
    .description('give a key a new secret, which is shown this once; the one until now is taken for a day more')
    .option('--overlap-seconds <n>', 'for so long instead; 0: no longer', Number)
    .option(...ifMatch)
    .option(...json)
    .action(async (id: string, { overlapSeconds, ifMatch: etag, json: isJson }: RotateOptions) => {
      const body = overlapSeconds === undefined ? {} : { overlap_seconds: overlapSeconds };
      const path = `/v1/keys/${encodeURIComponent(id)}/rotate`;
      printObject(ports.print, await ports.client().send('POST', path, body, { ifMatch: etag }), isJson === true);
    });
  addEnd(keys, { name: 'revoke', what: 'refuse a key from now on', path: '/v1/keys', done: 'revoked' }, ports);
}

interface MatchOption {
  readonly ifMatch?: string;
}

interface RotateOptions extends JsonOption, MatchOption {
  readonly overlapSeconds?: number;
}

interface NewKeyOptions extends JsonOption {
  readonly scope: readonly string[];
  readonly tenant?: readonly string[];
  readonly allTenants?: true;
  readonly expiresAt?: string;
}

function addSubscriptions(subscriptions: Command, ports: ClientPorts): void {
  const path = '/v1/subscriptions';
  const sink: Column = {
    heading: 'SINK',
    cell: ({ sink: of }) => `${textOf(memberOf(of, 'type'))} ${textOf(memberOf(of, 'url'))}`,
  };
  const columns = [column('ID', 'id'), column('TENANT', 'tenant_id'), column('NAME', 'name'), sink];
  subscriptions
    .command('list')
    .description('list them')
    .option('--tenant <id>', 'of this tenant only')
    .option(...json)
    .action(async ({ tenant, json: isJson }: JsonOption & { tenant?: string }) => {
      const query = tenant === undefined ? '' : `?${new URLSearchParams({ tenant_id: tenant }).toString()}`;
      const shown = [...columns, column('STATE', 'state'), column('FILTER', 'filter')];
      await printList(ports.print, ports.client().list(`${path}${query}`, listMax), shown, isJson === true);
    });
  addGet(subscriptions, path, ports);
  subscriptions
    .command('create')
    .description('have a log delivered to a signed webhook; its secret is shown this once. Other sinks: --body')
    .option('--tenant <id>', 'whose log; may be left out with a key for one tenant')
    .option('--url <url>', 'of the webhook')
    .option('--name <text>', 'for people')
    .option('--filter <search>', 'only what this search finds')
    .option('--body <json>', 'the whole request body, as POST /v1/subscriptions takes it')
    .option(...json)
    .action(async (options: NewSubscriptionOptions) => {
      const answer = await ports.client().send('POST', path, subscriptionBody(options));
      printObject(ports.print, answer, options.json === true);
    });
  for (const [name, state] of [
    ['pause', 'paused'],
    ['resume', 'active'],
  ] as const) {
    subscriptions
      .command(`${name} <id>`)
      .description(name === 'pause' ? 'deliver nothing until it is resumed' : 'go on where it was paused')
      .option(...ifMatch)
      .option(...json)
      .action(async (id: string, { ifMatch: etag, json: isJson }: JsonOption & MatchOption) => {
        const of = `${path}/${encodeURIComponent(id)}`;
        const changed = await ports.client().send('PATCH', of, { state }, { ifMatch: etag });
        printObject(ports.print, changed, isJson === true);
      });
  }
  addEnd(subscriptions, { name: 'remove', what: 'end a subscription', path, done: 'removed' }, ports);
}

interface NewSubscriptionOptions extends JsonOption {
  readonly tenant?: string;
  readonly url?: string;
  readonly name?: string;
  readonly filter?: string;
  readonly body?: string;
}

function subscriptionBody({ tenant, url, name, filter, body }: NewSubscriptionOptions): Json {
  if (body !== undefined) {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null) throw new Error('--body is no JSON object');
    return { ...parsed };
  }
  if (url === undefined) throw new Error('name --url, or the whole --body');
  return {
    sink: { type: 'webhook', url },
    ...(tenant === undefined ? {} : { tenant_id: tenant }),
    ...(name === undefined ? {} : { name }),
    ...(filter === undefined ? {} : { filter }),
  };
}

function addList(parent: Command, path: string, columns: readonly Column[], ports: ClientPorts): void {
  parent
    .command('list')
    .description('list them')
    .option(...json)
    .action(({ json: isJson }: JsonOption) =>
      printList(ports.print, ports.client().list(path, listMax), columns, isJson === true),
    );
}

function addGet(parent: Command, path: string, ports: ClientPorts): void {
  parent
    .command('get <id>')
    .description('show one')
    .option('--etag', 'print only its ETag, for --if-match of a change')
    .option(...json)
    .action(async (id: string, { etag: isTag, json: isJson }: JsonOption & { etag?: true }) => {
      const of = `${path}/${encodeURIComponent(id)}`;
      if (isTag === true) ports.print(await ports.client().etagOf(of));
      else printObject(ports.print, await ports.client().get(of), isJson === true);
    });
}

function addEnd(
  parent: Command,
  { name, what, path, done }: { name: string; what: string; path: string; done: string },
  ports: ClientPorts,
): void {
  parent
    .command(`${name} <id>`)
    .description(what)
    .option(...ifMatch)
    .action(async (id: string, { ifMatch: etag }: MatchOption) => {
      await ports.client().send('DELETE', `${path}/${encodeURIComponent(id)}`, undefined, { ifMatch: etag });
      ports.print(`${id} ${done}`);
    });
}

function joined(value: unknown): string {
  return Array.isArray(value) ? value.map(textOf).join(' ') : textOf(value);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
