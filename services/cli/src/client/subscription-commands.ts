import type { Command } from 'commander';
import { jsonOf, type Json } from './api-client.ts';
import { column, printList, printObject, type Column } from './client-output.ts';
import { textOf } from './event-line-mapper.ts';
import { jsonObject } from './json-argument.ts';
import {
  addEnd,
  addGet,
  ifMatch,
  json,
  overlap,
  overlapBody,
  listMax,
  type ClientPorts,
  type JsonOption,
  type MatchOption,
  type OverlapOption,
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
    .option(
      '--start <place>',
      'where it starts: beginning (default), which sends the WHOLE HISTORY of the log; now; a seq, after which; or a time',
    )
    .option('--window <batches>', 'so many batches under way at once, in any order; default: one, in order')
    .option('--body <json>', 'the whole request body, as POST /v1/subscriptions takes it')
    .option(...json)
    .action(async (options: NewSubscriptionOptions) => {
      const answer = await ports.client().send('POST', path, subscriptionBody(options));
      printObject(ports.print, answer, options.json === true);
    });
  subscriptions
    .command('pause <id>')
    .description('deliver nothing until it is resumed')
    .option(...ifMatch)
    .option(...json)
    .action(async (id: string, { ifMatch: etag, json: isJson }: JsonOption & MatchOption) => {
      const of = `${path}/${encodeURIComponent(id)}`;
      const changed = await ports.client().send('PATCH', of, { state: 'paused' }, { ifMatch: etag });
      printObject(ports.print, changed, isJson === true);
    });
  subscriptions
    .command('resume <id>')
    .description('let a paused or suspended one go on, and try a failing one at once')
    .option(
      '--from <place>',
      'cursor: with what was not delivered yet; now; or what was received since a time',
      'cursor',
    )
    .option(...ifMatch)
    .option(...json)
    .action(async (id: string, { from, ifMatch: etag, json: isJson }: JsonOption & MatchOption & { from: string }) => {
      const of = `${path}/${encodeURIComponent(id)}/resume`;
      const place = from === 'cursor' || from === 'now' ? from : { time: from };
      const changed = await ports.client().send('POST', of, { from: place }, { ifMatch: etag });
      printObject(ports.print, changed, isJson === true);
    });
  addParked(subscriptions, path, ports);
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
      'give a webhook a new secret, which is shown this once; the one until now signs as well for a day more',
    )
    .option(...overlap)
    .option(...ifMatch)
    .option(...json)
    .action(async (id: string, { ifMatch: etag, json: isJson, ...asked }: RotateSecretOptions) => {
      const of = `${path}/${encodeURIComponent(id)}/rotate-secret`;
      const answer = await ports.client().send('POST', of, overlapBody(asked), { ifMatch: etag });
      printObject(ports.print, answer, isJson === true);
    });
  addEnd(subscriptions, { name: 'remove', what: 'end a subscription', path, done: 'removed' }, ports);
}

/** The events that a receiver refuses while it takes those around them. */
function addParked(subscriptions: Command, path: string, ports: ClientPorts): void {
  const columns = [
    column('SEQ', 'seq'),
    column('STATE', 'state'),
    column('ERROR', 'error'),
    column('PARKED', 'parked_at'),
    column('ANSWER', 'answer_excerpt'),
  ];
  subscriptions
    .command('parked <id>')
    .description('list the events that its receiver refuses')
    .option(...json)
    .action(async (id: string, { json: isJson }: JsonOption) => {
      const parked = ports.client().list(`${path}/${encodeURIComponent(id)}/parked`, listMax);
      await printList(ports.print, parked, columns, isJson === true);
    });
  subscriptions
    .command('replay-parked <id> [seq...]')
    .description('send parked events again: these, or with --all every one')
    .option('--all', 'every parked event')
    .option(...json)
    .action(async (id: string, seqs: readonly string[], { all, json: isJson }: JsonOption & { all?: true }) => {
      const body = { seqs: seqsOf(seqs, all === true) };
      const answer = await ports.client().send('POST', `${path}/${encodeURIComponent(id)}/parked/replay`, body);
      printObject(ports.print, answer, isJson === true);
    });
  subscriptions
    .command('dismiss-parked <id> [seq...]')
    .description('do without parked events, for good: these, or with --all every one; they stay in the log')
    .option('--all', 'every parked event')
    .option(...json)
    .action(async (id: string, seqs: readonly string[], { all, json: isJson }: JsonOption & { all?: true }) => {
      const query = new URLSearchParams({ seqs: seqsOf(seqs, all === true).toString() }).toString();
      const answer = await ports.client().send('DELETE', `${path}/${encodeURIComponent(id)}/parked?${query}`);
      printObject(ports.print, answer, isJson === true);
    });
}

/** These, or with --all every one. */
function seqsOf(seqs: readonly string[], isAll: boolean): 'all' | number[] {
  if ((seqs.length === 0) !== isAll) throw new Error('name the seqs, or --all');
  return isAll ? 'all' : seqs.map(Number);
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

interface RotateSecretOptions extends JsonOption, MatchOption, OverlapOption {}

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
  readonly start?: string;
  readonly window?: string;
  readonly body?: string;
}

function subscriptionBody({ tenant, url, name, filter, start, window, body }: NewSubscriptionOptions): Json {
  if (body !== undefined) return jsonObject(body, '--body');
  if (url === undefined) throw new Error('name --url, or the whole --body');
  return {
    sink: { type: 'webhook', url },
    ...(tenant === undefined ? {} : { tenant_id: tenant }),
    ...(name === undefined ? {} : { name }),
    ...(filter === undefined ? {} : { filter }),
    ...(start === undefined ? {} : { start: startOf(start) }),
    ...(window === undefined ? {} : { mode: { type: 'window', batches: Number(window) } }),
  };
}

function startOf(text: string): unknown {
  if (text === 'beginning' || text === 'now') return text;
  return /^\d+$/.test(text) ? { after_seq: Number(text) } : { time: text };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
