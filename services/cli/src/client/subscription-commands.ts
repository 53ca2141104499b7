import type { Command } from 'commander';
import { jsonOf, type Json } from './api-client.ts';
import { column, printList, printObject, type Column } from './client-output.ts';
import { textOf } from './event-line-mapper.ts';
import {
  addEnd,
  addGet,
  ifMatch,
  json,
  listMax,
  type ClientPorts,
  type JsonOption,
  type MatchOption,
} from './object-commands.ts';

/** Where the logs are delivered, and how that fares. */
export function addSubscriptions(subscriptions: Command, ports: ClientPorts): void {
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
    .command('status <id>')
    .description('show how its delivery fares: state, lag, last error, last attempts')
    .option(...json)
    .action(async (id: string, { json: isJson }: JsonOption) => {
      const status = await ports.client().get(`${path}/${encodeURIComponent(id)}/status`);
      if (isJson === true) return printObject(ports.print, status, true);
      const { attempts, ...members } = status;
      printObject(ports.print, members, false);
      const rows = (Array.isArray(attempts) ? attempts : []).map(jsonOf);
      if (rows.length === 0) return;
      ports.print('');
      await printList(ports.print, toAsync(rows), attemptColumns, false);
    });
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
  subscriptions
    .command('test <id>')
    .description('send a test event to its receiver now, and show what that answers; exit code 1 unless it was taken')
    .option(...json)
    .action(async (id: string, { json: isJson }: JsonOption) => {
      const answer = await ports.client().send('POST', `${path}/${encodeURIComponent(id)}/test`);
      printObject(ports.print, answer, isJson === true);
      if (answer['outcome'] !== 'delivered') throw new Error('the receiver did not take it');
    });
  subscriptions
    .command('preview <id>')
    .description('show the requests that would carry the newest events; nothing is sent')
    .option(...json)
    .action(async (id: string, { json: isJson }: JsonOption) => {
      const preview = await ports.client().get(`${path}/${encodeURIComponent(id)}/preview`);
      if (isJson === true) return printObject(ports.print, preview, true);
      ports.print(`${textOf(preview['events_last_day'])} events in the last 24 hours`);
      const requests = Array.isArray(preview['requests']) ? preview['requests'].map(jsonOf) : [];
      for (const { method, url, headers, body } of requests) {
        ports.print(`\n${textOf(method)} ${textOf(url)}`);
        for (const [name, value] of Object.entries(jsonOf(headers))) ports.print(`${name}: ${textOf(value)}`);
        ports.print(`\n${textOf(body)}`);
      }
    });
  subscriptions
    .command('replay <id>')
    .description('send what was received in a time once more, beside the live stream; a dry run unless --yes')
    .option('--since <time>', 'received at this time or later, RFC 3339')
    .option('--until <time>', 'received before this time; default: now')
    .option('--filter <search>', 'default: that of the subscription')
    .option('--yes', 'do it')
    .option(...ifMatch)
    .option(...json)
    .action(async (id: string, options: ReplayOptions) => {
      const { yes, json: isJson, ifMatch: etag, ...asked } = options;
      const of = `${path}/${encodeURIComponent(id)}/replay`;
      const found = await ports.client().get(`${of}/dry-run?${new URLSearchParams({ ...asked }).toString()}`);
      const { first_seq: from, last_seq: to } = found;
      if (yes !== true || from === undefined) return printObject(ports.print, found, isJson === true);
      const filter = asked.filter === undefined ? {} : { filter: asked.filter };
      const range = { from_seq: from, to_seq: to, ...filter };
      const replay = await ports.client().send('POST', of, range, { ifMatch: etag });
      printObject(ports.print, replay, isJson === true);
    });
  subscriptions
    .command('rotate-secret <id>')
    .description(
      'give a webhook a new secret, which is shown this once; the one before signs as well during the overlap',
    )
    .option('--overlap <seconds>', 'default: a day; 0: the old one signs no more')
    .option(...ifMatch)
    .option(...json)
    .action(async (id: string, { overlap, ifMatch: etag, json: isJson }: RotateSecretOptions) => {
      const body = overlap === undefined ? {} : { overlap_seconds: Number(overlap) };
      const of = `${path}/${encodeURIComponent(id)}/rotate-secret`;
      const answer = await ports.client().send('POST', of, body, { ifMatch: etag });
      printObject(ports.print, answer, isJson === true);
    });
  addEnd(subscriptions, { name: 'remove', what: 'end a subscription', path, done: 'removed' }, ports);
}

const attemptColumns: readonly Column[] = [
  column('AT', 'at'),
  column('OUTCOME', 'outcome'),
  column('STATUS', 'http_status'),
  column('ERROR', 'error'),
  column('TRY', 'try'),
  { heading: 'SEQS', cell: ({ from_seq: from, to_seq: to }) => `${textOf(from)}..${textOf(to)}` },
  column('EVENTS', 'events'),
  column('MS', 'duration_ms'),
  column('ANSWER', 'answer_excerpt'),
];

async function* toAsync(items: readonly Json[]): AsyncIterable<Json> {
  yield* items;
}

interface RotateSecretOptions extends JsonOption, MatchOption {
  readonly overlap?: string;
}

interface ReplayOptions extends JsonOption, MatchOption {
  readonly since?: string;
  readonly until?: string;
  readonly filter?: string;
  readonly yes?: true;
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

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
