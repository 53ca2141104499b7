import { clickhouseSettings } from '@docket/clickhouse';
import { kafkaMigrateSettings, kafkaSettings, macKeySettings, registrySettings } from '@docket/kafka';
import { createLogger, logSettings, readSettings, type SettingDeclarations, type SettingsOf } from '@docket/runtime';
import { Command, InvalidArgumentError } from 'commander';
import { acceptLossLines } from './accept-loss/accept-loss-report-mapper.ts';
import { acceptLoss } from './accept-loss/accept-loss.ts';
import { createApiClient } from './client/api-client.ts';
import { clientSettings } from './client/client-settings.ts';
import { addDirectoryCommands } from './client/directory-commands.ts';
import { addLogCommands } from './client/log-commands.ts';
import { addQuarantineCommands } from './client/quarantine-commands.ts';
import { migrateAll } from './migrate.ts';
import { repairLines } from './repair/repair-report-mapper.ts';
import { repair, type OperatorOptions } from './repair/repair.ts';
import { reportLines } from './verify/report-mapper.ts';
import { verify } from './verify/verify.ts';

/** Settings of `docket migrate`. */
export const migrateSettings = {
  ...kafkaSettings,
  ...registrySettings,
  ...clickhouseSettings,
  ...kafkaMigrateSettings,
};

/** Settings of the commands that judge records; each service reads its own. */
export const operatorSettings = { ...migrateSettings, ...macKeySettings };

export const serviceNames = ['gateway', 'ingestor', 'query', 'delivery', 'admin', 'all-in-one'] as const;

/** What the process gives the program; `startService` never returns while the service runs. */
export interface ProgramHost {
  readonly env: NodeJS.ProcessEnv;
  print(line: string): void;
  setExitCode(code: number): void;
  startService(name: (typeof serviceNames)[number]): Promise<void>;
}

/** The docket command. Exit codes: 0 done and nothing left to do, 1 failed, a finding, or something left to do, 2 bad settings. */
export function createProgram(host: ProgramHost): Command {
  const program = new Command('docket').description('The audit log that a SaaS company runs for its customers.');

  for (const name of serviceNames) {
    program
      .command(name)
      .description(name === 'all-in-one' ? 'run every service in one process' : `run the service ${name}`)
      .action(() => host.startService(name));
  }

  program
    .command('migrate')
    .description('create topics, register schemas and migrate ClickHouse; safe to run twice and by two at once')
    .action(async () => {
      const lines = await migrateAll(settingsFor(host, migrateSettings), loggerFor(host));
      lines.forEach((line) => host.print(line));
    });

  program
    .command('verify')
    .description(
      'check that every record has exactly one row, dense and in order (I2, I3, I4), over ClickHouse and over Kafka',
    )
    .option('--json', 'print the report as one JSON document')
    .action(async (options: { json?: true }) => {
      const report = await verify(settingsFor(host, operatorSettings), loggerFor(host));
      if (options.json === true) host.print(JSON.stringify(report));
      else reportLines(report).forEach((line) => host.print(line));
      host.setExitCode(report.findings.length === 0 ? 0 : 1);
    });

  const changing = (name: string, description: string): Command =>
    program
      .command(name)
      .description(`${description}. A dry run unless --yes; exits 1 as long as anything is left to do`)
      .option('--partition <number>', 'this partition only', partitionNumber)
      .option('--yes', 'do it')
      .option('--json', 'print the report as one JSON document');

  changing('repair', 'put rows back that ClickHouse lacks, from the records that Kafka still holds').action(
    async (options: ChangingOptions) => {
      const report = await repair(settingsFor(host, operatorSettings), loggerFor(host), asked(options));
      if (options.json === true) host.print(JSON.stringify(report));
      else repairLines(report).forEach((line) => host.print(line));
      host.setExitCode(report.isWhole ? 0 : 1);
    },
  );

  changing('accept-loss', 'accept that records are lost for ever, so that their partitions go on').action(
    async (options: ChangingOptions) => {
      const report = await acceptLoss(settingsFor(host, operatorSettings), loggerFor(host), asked(options));
      if (options.json === true) host.print(JSON.stringify(report));
      else acceptLossLines(report).forEach((line) => host.print(line));
      host.setExitCode(report.isDone ? 0 : 1);
    },
  );

  const ports = {
    client: () => createApiClient(settingsFor(host, clientSettings)),
    print: (line: string) => host.print(line),
  };
  addDirectoryCommands(program, ports);
  addLogCommands(program, ports);
  addQuarantineCommands(program, ports);
  return program;
}

interface ChangingOptions {
  readonly partition?: number;
  readonly yes?: true;
  readonly json?: true;
}

function asked({ partition, yes }: ChangingOptions): OperatorOptions {
  return { partition, isApplied: yes === true };
}

function partitionNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('a partition is a whole number from 0');
  return Number(text);
}

function settingsFor<D extends SettingDeclarations>(host: ProgramHost, declarations: D): SettingsOf<D> {
  return readSettings(declarations, host.env);
}

/** Operator commands print results; what Kafka's client says on the way is a warning at the least. */
function loggerFor(host: ProgramHost) {
  const { logLevel } = readSettings({ logLevel: { ...logSettings.logLevel, default: 'error' as const } }, host.env);
  return createLogger({ service: 'cli', level: logLevel });
}
