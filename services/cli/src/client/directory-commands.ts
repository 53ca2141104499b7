import { Option, type Command } from 'commander';
import type { Json } from './api-client.ts';
import { column, printObject, type Column } from './client-output.ts';
import { textOf } from './event-line-mapper.ts';
import { keyStateOf } from './key-state-mapper.ts';
import {
  addEnd,
  addGet,
  addList,
  ifMatch,
  json,
  overlap,
  overlapBody,
  type ClientPorts,
  type JsonOption,
  type MatchOption,
  type OverlapOption,
} from './object-commands.ts';
import { addSubscriptions } from './subscription-commands.ts';

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
  const state: Column = { heading: 'STATE', cell: (key) => keyStateOf(key, Date.now()) };
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
    .option(...overlap)
    .option(...ifMatch)
    .option(...json)
    .action(async (id: string, { ifMatch: etag, json: isJson, ...asked }: RotateOptions) => {
      const path = `/v1/keys/${encodeURIComponent(id)}/rotate`;
      const made = await ports.client().send('POST', path, overlapBody(asked), { ifMatch: etag });
      printObject(ports.print, made, isJson === true);
    });
  addEnd(keys, { name: 'revoke', what: 'refuse a key from now on', path: '/v1/keys', done: 'revoked' }, ports);
}

interface RotateOptions extends JsonOption, MatchOption, OverlapOption {}

interface NewKeyOptions extends JsonOption {
  readonly scope: readonly string[];
  readonly tenant?: readonly string[];
  readonly allTenants?: true;
  readonly expiresAt?: string;
}

function joined(value: unknown): string {
  return Array.isArray(value) ? value.map(textOf).join(' ') : textOf(value);
}
