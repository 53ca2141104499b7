import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { ApiRefusal, objectOf, type ApiClient } from './api-client.ts';
import { printList } from './client-output.ts';
import type { ClientPorts } from './object-commands.ts';
import { eventCells, eventHeading } from './event-line-mapper.ts';

interface LogOptions {
  readonly tenant?: string;
  readonly json?: true;
}

interface SearchOptions extends LogOptions {
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
}

const limitDefault = 50;
const limitMax = 100_000;
/** As `retry:` of the stream says. */
const comeBackMs = 1_000;

/** search and tail: reading a log. */
export function addLogCommands(program: Command, ports: ClientPorts): void {
  program
    .command('search [query...]')
    .description(
      'find events, newest first; the query is in the search language: docket search actor:u_1 -outcome:success',
    )
    // A term such as -outcome:success is no option.
    .allowUnknownOption()
    .option('--tenant <id>', 'whose log; may be left out with a key for one tenant')
    .option('--since <time>', 'RFC 3339 or relative: -7d')
    .option('--until <time>', 'RFC 3339 or relative')
    .option('--limit <number>', 'events at most', limitOf, limitDefault)
    .option('--json', 'print one event a line, as the API shows it')
    .action(async (query: string[], { since, until, limit, ...options }: SearchOptions) => {
      const asked = queryOf(query, options);
      if (since !== undefined) asked.set('since', since);
      if (until !== undefined) asked.set('until', until);
      const columns = eventHeading.map((heading, at) => ({
        heading,
        cell: (event: Parameters<typeof eventCells>[0]) => eventCells(event)[at] ?? '',
      }));
      const events = ports.client().list(`/v1/events?${asked.toString()}`, limit);
      await printList(ports.print, events, columns, options.json === true);
    });

  program
    .command('tail [query...]')
    .description('follow a log live, from now on, until Ctrl-C; nothing is missing when the connection breaks')
    // A term such as -outcome:success is no option.
    .allowUnknownOption()
    .option('--tenant <id>', 'whose log; may be left out with a key for one tenant')
    .option('--json', 'print one event a line, as the API shows it')
    .action(async (query: string[], options: LogOptions) => {
      const path = `/v1/tail?${queryOf(query, options).toString()}`;
      await followLog(ports.client(), path, (data) =>
        ports.print(options.json === true ? data : eventCells(objectOf(data)).join('  ')),
      );
    });
}

function queryOf(query: readonly string[], { tenant }: LogOptions): URLSearchParams {
  const stranger = query.find((term) => term.startsWith('--'));
  if (stranger !== undefined) throw new Error(`unknown option ${stranger}`);
  const asked = new URLSearchParams();
  if (tenant !== undefined) asked.set('tenant_id', tenant);
  if (query.length > 0) asked.set('q', query.join(' '));
  return asked;
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= limitMax) return limit;
  throw new InvalidArgumentError(`a whole number from 1 to ${limitMax}`);
}

/** Ends only by a refusal: the first stream's, or a later one's that is for good. A broken stream is opened again behind the last seq. */
async function followLog(client: ApiClient, path: string, onEvent: (data: string) => void): Promise<void> {
  let lastId = '';
  for (;;) {
    const headers: Record<string, string> = lastId === '' ? {} : { 'last-event-id': lastId };
    const response = await client.open(path, headers, new AbortController().signal).catch(async (error: unknown) => {
      if (lastId === '' || isForGood(error)) throw error;
      await pause(comeBackMs);
      return undefined;
    });
    const body = response?.body ?? null;
    if (body === null) continue;
    const isOver = await readStream(body, (id, data) => {
      lastId = id;
      if (data !== undefined) onEvent(data);
    });
    if (isOver) throw new Error('the credential has ended');
    await pause(comeBackMs);
  }
}

/** Whether asking again is of no use until somebody has mended the question, the key or the place to go on at. */
function isForGood(error: unknown): boolean {
  const entry = error instanceof ApiRefusal ? error.entry : undefined;
  return entry?.audience === 'caller' && entry.retry === 'never';
}

/** Reads server-sent events until the connection ends, well or not; true when the stream said that the credential has ended. */
async function readStream(
  body: Exclude<Response['body'], null>,
  onMessage: (id: string, data: string | undefined) => void,
): Promise<boolean> {
  let [id, type, data] = ['', '', ''];
  try {
    for await (const line of createInterface({ input: Readable.fromWeb(body), crlfDelay: Infinity })) {
      if (line.startsWith('id: ')) id = line.slice(4);
      else if (line.startsWith('event: ')) type = line.slice(7);
      else if (line.startsWith('data: ')) data = line.slice(6);
      else if (line === '') {
        if (type === 'end' && data.includes('credential_ended')) return true;
        if (id !== '') onMessage(id, type === '' && data !== '' ? data : undefined);
        [type, data] = ['', ''];
      }
    }
  } catch {
    // Broken off: the caller comes back.
  }
  return false;
}
