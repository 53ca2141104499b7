import type { Command } from 'commander';
import { column, printList, printObject } from './client-output.ts';
import { json, listMax, type ClientPorts, type JsonOption } from './object-commands.ts';
import { jsonObject } from './json-argument.ts';

interface QuarantineOptions extends JsonOption {
  readonly tenant?: string;
}

/** quarantine: what could not be read, for operators. */
export function addQuarantineCommands(program: Command, ports: ClientPorts): void {
  const quarantine = program.command('quarantine').description('what could not be read, and how it is mended');
  const tenant = [
    '--tenant <log>',
    'whose log: a tenant, !p<partition> for what belongs to none, or for a list * for all',
  ] as const;
  const pathOf = (of: string, log: string | undefined): string =>
    log === undefined ? of : `${of}?${new URLSearchParams({ tenant_id: log }).toString()}`;
  quarantine
    .command('list')
    .description('list the records of a log that could not be read, newest first; their bytes with --json')
    .option(...tenant)
    .option(...json)
    .action(async ({ tenant: log, json: isJson }: QuarantineOptions) => {
      const columns = [
        column('LOG', 'tenant_id'),
        column('SEQ', 'seq'),
        column('RECEIVED', 'received_at'),
        column('REASON', 'reason'),
        column('ID', 'id'),
        column('DETAIL', 'detail'),
      ];
      const records = ports.client().list(pathOf('/v1/quarantine', log), listMax);
      await printList(ports.print, records, columns, isJson === true);
    });
  quarantine
    .command('redrive <seq>')
    .description('publish a record anew: as it is, which has to be readable by now, or as the event that was meant')
    .option(...tenant)
    .option('--event <json>', 'the event that was meant')
    .option(...json)
    .action(async (seq: string, { tenant: log, event, json: isJson }: QuarantineOptions & { event?: string }) => {
      const body = event === undefined ? {} : { event: jsonObject(event, '--event') };
      const path = pathOf(`/v1/quarantine/${encodeURIComponent(seq)}/redrive`, log);
      printObject(ports.print, await ports.client().send('POST', path, body), isJson === true);
    });
}
