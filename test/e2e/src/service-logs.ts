import { defaultStackDir } from '@docket/local-stack';
import type { ServiceProcess } from '@docket/testkit';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Keeps what the processes logged, one file each, for whoever has to find out why a check failed. Gives the directory. */
export function keepLogs(processes: ReadonlyMap<string, ServiceProcess>): string {
  const directory = join(defaultStackDir(), 'logs', 'services');
  mkdirSync(directory, { recursive: true });
  for (const [name, { logs }] of processes) writeFileSync(join(directory, `${name}.log`), `${logs.join('\n')}\n`);
  return directory;
}
