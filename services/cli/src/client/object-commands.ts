import { InvalidArgumentError, type Command } from 'commander';
import type { ApiClient } from './api-client.ts';
import { printList, printObject, type Column } from './client-output.ts';

export interface ClientPorts {
  /** Reads the settings when a command runs. */
  readonly client: () => ApiClient;
  readonly print: (line: string) => void;
}

export interface JsonOption {
  readonly json?: true;
}

export interface MatchOption {
  readonly ifMatch?: string;
}

export const ifMatch = ['--if-match <etag>', 'only if it still has this ETag (get --etag)'] as const;
export const overlap = [
  '--overlap-seconds <n>',
  'for so long instead; 0: no longer',
  (text: string): number => {
    if (/^\d{1,7}$/.test(text)) return Number(text);
    throw new InvalidArgumentError('a whole number of seconds');
  },
] as const;
export interface OverlapOption {
  readonly overlapSeconds?: number;
}

/** What the API takes of it. */
export const overlapBody = ({ overlapSeconds }: OverlapOption): { readonly overlap_seconds?: number } =>
  overlapSeconds === undefined ? {} : { overlap_seconds: overlapSeconds };

export const json = ['--json', 'print JSON: an object, or one a line'] as const;
/** The directory holds no more tenants than this. */
export const listMax = 100_000;

export function addList(parent: Command, path: string, columns: readonly Column[], ports: ClientPorts): void {
  parent
    .command('list')
    .description('list them')
    .option(...json)
    .action(({ json: isJson }: JsonOption) =>
      printList(ports.print, ports.client().list(path, listMax), columns, isJson === true),
    );
}

export function addGet(parent: Command, path: string, ports: ClientPorts): void {
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

export function addEnd(
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
