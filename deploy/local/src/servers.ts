import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Artifacts } from './artifacts.ts';
import {
  clickhouseArguments,
  clickhouseConfig,
  clickhouseUser,
  clickhouseUsers,
  joinedUsersFiles,
  widenUsersFile,
} from './clickhouse-mapper.ts';
import type { ComponentPlan } from './component.ts';
import { clusterIdFrom, clusterIdOf, kafkaFormatCommand, kafkaProperties, kafkaServerCommand } from './kafka-mapper.ts';
import type { RunLayout } from './layout.ts';
import { packageFile } from './layout.ts';
import { launch } from './managed-process.ts';
import { probeClickHouse, probeKafka, probeRegistry } from './probes.ts';
import { StackError } from './problem-policy.ts';
import type { ProcessGuard } from './process-guard.ts';
import { registryCommand } from './registry-mapper.ts';
import type { ClickHousePasswords } from './stack-env-mapper.ts';

/** What the plans of all three servers need. */
export interface ServerContext {
  readonly layout: RunLayout;
  readonly artifacts: Artifacts;
  readonly java: string;
  readonly guard: ProcessGuard;
  /** A fresh stack: quick to start matters more than fast under load. */
  readonly isShortLived: boolean;
  /** Databases in which readers of ClickHouse are held as in `docket`. */
  readonly databases: readonly string[];
}

/** The part of a ComponentPlan that depends on which server it is. */
export type ServerPlan = Pick<ComponentPlan, 'name' | 'port' | 'command' | 'env' | 'cwd' | 'probe'>;

/** Writes Kafka's configuration and formats its data directory if it is new. */
export async function prepareKafka(
  context: ServerContext,
  ports: { port: number; controllerPort: number },
): Promise<ServerPlan> {
  const { layout, artifacts, java } = context;
  const dataDir = layout.dataDir('kafka');
  const configFile = join(ensureDir(layout.configDir('kafka')), 'server.properties');
  writeFileSync(configFile, kafkaProperties({ ...ports, dataDir: ensureDir(dataDir) }));
  const files = { libsDir: artifacts.kafkaLibsDir, configFile, log4jFile: packageFile('kafka', 'log4j2.xml') };
  const metaFile = join(dataDir, 'meta.properties');
  const clusterId = existsSync(metaFile) ? clusterIdOf(readFileSync(metaFile, 'utf8')) : null;
  return {
    name: 'kafka',
    port: ports.port,
    command: kafkaServerCommand(java, files, context.isShortLived),
    probe: probeOf(ports.port, clusterId ?? (await formatKafka(context, configFile))),
  };
}

function probeOf(port: number, clusterId: string) {
  return () => probeKafka(port, clusterId);
}

async function formatKafka({ layout, artifacts, java, guard }: ServerContext, configFile: string): Promise<string> {
  const clusterId = clusterIdFrom(randomBytes(16));
  const logFile = layout.logFile('kafka');
  const format = await launch(kafkaFormatCommand(java, artifacts.kafkaLibsDir, configFile, clusterId), {
    guard,
    logFile,
  });
  const { code } = await format.exited;
  if (code !== 0) {
    throw new StackError({
      kind: 'component-died',
      name: 'kafka',
      how: 'could not format its data directory',
      logFile,
    });
  }
  return clusterId;
}

export function prepareRegistry({ layout, artifacts, java }: ServerContext, port: number): ServerPlan {
  const token = newToken();
  const databaseFile = join(ensureDir(layout.dataDir('registry')), 'registry');
  return {
    name: 'registry',
    port,
    command: registryCommand(java, artifacts.registryHomeDir, artifacts.registryJarName, { port, databaseFile, token }),
    probe: () => probeRegistry(port, token),
  };
}

/** The passwords are made once for a data directory, so that a restart keeps the settings of whoever uses it. */
export function prepareClickHouse(
  { layout, artifacts, databases }: ServerContext,
  port: number,
): { plan: ServerPlan; passwords: ClickHousePasswords } {
  const child = packageFile('dist', 'clickhouse-child.js');
  if (!existsSync(child)) throw new StackError({ kind: 'not-built', file: child });
  const configDir = ensureDir(layout.configDir('clickhouse'));
  const [configFile, usersFile] = [join(configDir, 'config.xml'), join(configDir, 'users.xml')];
  const kept = ensureDir(join(layout.root, 'data'));
  const password = keptSecret(join(kept, 'clickhouse.password'), 16);
  const queryPassword = keptSecret(join(kept, 'clickhouse-query.password'), 16);
  const analystPassword = keptSecret(join(kept, 'clickhouse-analyst.password'), 16);
  const token = newToken();
  const plan = {
    port,
    dataDir: ensureDir(layout.dataDir('clickhouse')),
    usersFile,
    user: clickhouseUser,
    password,
    token,
  };
  writeFileSync(configFile, clickhouseConfig(plan));
  writeFileSync(usersFile, clickhouseUsers(plan), { mode: 0o600 });
  const sharedSettings = join('config.d', 'docket.xml');
  ensureDir(join(configDir, 'config.d'));
  copyFileSync(packageFile('..', 'clickhouse', sharedSettings), join(configDir, sharedSettings));
  for (const name of joinedUsersFiles) {
    const text = readFileSync(packageFile('..', 'clickhouse', 'users.d', name), 'utf8');
    writeFileSync(join(ensureDir(join(configDir, 'users.d')), name), widenUsersFile(text, databases));
  }
  const args = [child, artifacts.clickhouseLibraryFile, ...clickhouseArguments(plan, configFile)];
  return {
    passwords: { writer: password, query: queryPassword, analyst: analystPassword },
    plan: {
      name: 'clickhouse',
      port,
      command: { command: process.execPath, args },
      env: {
        ...childEnvironment(),
        CLICKHOUSE_QUERY_PASSWORD: queryPassword,
        CLICKHOUSE_ANALYST_PASSWORD: analystPassword,
        CLICKHOUSE_ANALYST_ACME_PASSWORD: analystPassword,
      },
      cwd: configDir,
      probe: () => probeClickHouse(port, plan),
    },
  };
}

/** Options meant for the supervisor's own Node (a debugger's port, test flags) would break or slow the child's. */
function childEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return env;
}

/** The key of Docket's own records, made once for a data directory: Kafka keeps what was signed with it. */
export function keptMacKey(layout: RunLayout): string {
  return keptSecret(join(ensureDir(join(layout.root, 'data')), 'mac.key'), 32);
}

function keptSecret(file: string, bytes: number): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(bytes).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

function newToken(): string {
  return `docket-${randomBytes(12).toString('hex')}`;
}

function ensureDir(dir: string): string {
  mkdirSync(dir, { recursive: true });
  return dir;
}
