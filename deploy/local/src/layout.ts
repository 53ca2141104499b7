import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** The three parts of the stack. */
export const componentNames = ['kafka', 'registry', 'clickhouse'] as const;
export type ComponentName = (typeof componentNames)[number];

/** Where one run of the stack keeps its files. `root` is `.local` itself, or a directory under `.local/fresh` that is removed at the end. */
export interface RunLayout {
  readonly root: string;
  readonly lockFile: string;
  readonly envFile: string;
  dataDir(name: ComponentName): string;
  configDir(name: ComponentName): string;
  readonly logsDir: string;
  logFile(name: ComponentName): string;
  pidFile(name: ComponentName): string;
}

/** Paths of a run below `root`; creates nothing. Logs of a fresh run lie outside of it: when a server fails they must outlive the run. */
export function runLayout(root: string, logsDir = join(root, 'logs')): RunLayout {
  return {
    root,
    lockFile: join(root, 'run', 'supervisor.json'),
    envFile: join(root, 'stack.env'),
    dataDir: (name) => join(root, 'data', name),
    configDir: (name) => join(root, 'run', name),
    logsDir,
    logFile: (name) => join(logsDir, `${name}.log`),
    pidFile: (name) => join(root, 'run', `${name}.json`),
  };
}

/** Downloads are shared by all runs of one `.local`. */
export function artifactsDir(dir: string): string {
  return join(dir, 'artifacts');
}

export function freshRunsDir(dir: string): string {
  return join(dir, 'fresh');
}

/** Logs of fresh runs, a directory each: removed by a clean stop, kept when a server failed. */
export function freshLogsDir(dir: string): string {
  return join(dir, 'logs', 'fresh');
}

/** This package's own files (pom.xml, package-lock.json, log4j2.xml): the same place from src/ and from dist/. */
export function packageFile(...path: string[]): string {
  return join(fileURLToPath(new URL('..', import.meta.url)), ...path);
}

/** `.local` of this checkout. */
export function defaultStackDir(): string {
  return packageFile('..', '..', '.local');
}
