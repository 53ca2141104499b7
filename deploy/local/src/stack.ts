import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runFreeBytesMin } from './artifact-policy.ts';
import { ensureArtifacts, requireFreeSpace } from './artifacts.ts';
import { clickhouseTestDatabases } from './clickhouse-mapper.ts';
import type { Component } from './component.ts';
import { createComponent } from './component.ts';
import { requireJava } from './java.ts';
import type { ComponentName, RunLayout } from './layout.ts';
import { freshLogsDir, freshRunsDir, runLayout } from './layout.ts';
import { choosePort, freePort } from './local-ports.ts';
import { StackError } from './problem-policy.ts';
import type { ProcessGuard } from './process-guard.ts';
import { createProcessGuard } from './process-guard.ts';
import { acquireRunLock, isRunLocked } from './run-lock.ts';
import type { ServerContext, ServerPlan } from './servers.ts';
import { keptMacKey, prepareClickHouse, prepareKafka, prepareRegistry } from './servers.ts';
import type { StackEnv, StackPorts } from './stack-env-mapper.ts';
import { formatEnvFile, stackEnvOf } from './stack-env-mapper.ts';

export interface StackOptions {
  /** `.local`: downloads, and unless `fresh` also data, logs and stack.env. Created if missing. */
  readonly dir: string;
  /** Ports on 127.0.0.1; a missing one is chosen free. */
  readonly ports?: GivenPorts;
  /** Empty data in a directory of its own that is removed at the end; may run beside other stacks of the same `dir`. */
  readonly fresh?: boolean;
  /** Kafka up sooner, but slower under load. Default: as `fresh`; false for measurements. */
  readonly quickStart?: boolean;
  /** One line for the operator at a time: downloads, then each server with version and port. */
  readonly report?: (line: string) => void;
  /** Aborting before the stack is up stops everything and rejects with StackError `interrupted`. */
  readonly signal?: AbortSignal;
  /** Free space without which it does not start. Default 500 MB; 2.5 GB while something has to be downloaded. */
  readonly freeBytesMin?: number | undefined;
  /** Databases in which readers are held as in `docket`, beside those of tests: rights and row policies name a database. */
  readonly databases?: readonly string[];
}

export type GivenPorts = { readonly [name in keyof StackPorts]?: number | undefined };

/** A running stack. */
export interface Stack {
  readonly kafka: Component;
  readonly registry: Component;
  readonly clickhouse: Component;
  /** Settings for every Docket process. */
  readonly env: StackEnv;
  /** The same as a file, there while the stack runs. */
  readonly envFile: string;
  /** Settles when a server ends although nobody asked for it; the caller then stops the stack. */
  readonly failed: Promise<StackError>;
  /** Stops all three and removes stack.env (and the data when fresh). Safe to call twice. */
  stop(): Promise<void>;
}

const portSettings: Record<ComponentName, string> = {
  kafka: 'KAFKA_PORT',
  registry: 'SCHEMA_REGISTRY_PORT',
  clickhouse: 'CLICKHOUSE_PORT',
};

/**
 * Starts Kafka, the schema registry and ClickHouse in parallel and resolves when each of them answers.
 * Rejects with StackError (one line: what is wrong and the remedy); nothing is left running then. When this process dies in any way, the servers
 * are killed by a guard; should that die too, the next start on the same directory cleans up.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = resolve(options.dir);
  mkdirSync(dir, { recursive: true });
  await removeDeadFreshRuns(dir);
  removeOldFreshLogs(dir);
  const isFresh = options.fresh ?? false;
  const layout = isFresh ? freshLayout(dir) : runLayout(dir);
  const lock = await acquireRunLock(layout);
  const guard = createProcessGuard({ envFile: layout.envFile, scratchDir: isFresh ? layout.root : null });
  const release = (hasFailed: boolean) => {
    rmSync(layout.envFile, { force: true });
    guard.close();
    lock.release();
    if (isFresh) rmSync(layout.root, { recursive: true, force: true });
    if (isFresh && !hasFailed) rmSync(layout.logsDir, { recursive: true, force: true });
  };
  try {
    return await startServers({ dir, layout, guard, options, release });
  } catch (error) {
    release(true);
    throw error;
  }
}

function freshLayout(dir: string): RunLayout {
  const name = randomBytes(6).toString('hex');
  return runLayout(join(freshRunsDir(dir), name), join(freshLogsDir(dir), name));
}

interface Start {
  readonly dir: string;
  readonly layout: RunLayout;
  readonly guard: ProcessGuard;
  readonly options: StackOptions;
  readonly release: (hasFailed: boolean) => void;
}

async function startServers({ dir, layout, guard, options, release }: Start): Promise<Stack> {
  const report = (line: string) => options.report?.(line);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const unfollow = followInterrupt(options.signal, interrupt);
  await requireFreeSpace(dir, options.freeBytesMin ?? runFreeBytesMin);
  const ports = await choosePorts(options.ports ?? {});
  const java = await requireJava();
  const artifacts = await ensureArtifacts(dir, { guard, signal, report });
  const context: ServerContext = {
    layout,
    artifacts,
    java,
    guard,
    isShortLived: options.quickStart ?? options.fresh ?? false,
    databases: [...clickhouseTestDatabases, ...(options.databases ?? [])],
  };

  let hasFailed = false;
  let reportFailure: (error: StackError) => void = () => {};
  const failed = new Promise<StackError>((settle) => (reportFailure = settle));
  const onDeath = (error: StackError) => {
    hasFailed = true;
    reportFailure(error);
  };
  const started: Component[] = [];
  const bringUp = async (plan: ServerPlan, version?: string): Promise<Component> => {
    const server = createComponent({ ...plan, layout, guard, signal, onDeath });
    started.push(server);
    await server.start();
    report(`${server.name} ${server.version() || (version ?? '')} is up on port ${server.port}`);
    return server;
  };
  const bringUpKafka = async () => {
    const plan = await prepareKafka(context, { port: ports.kafka, controllerPort: await freePort() });
    return bringUp(plan, artifacts.kafkaVersion);
  };
  const { plan: clickhousePlan, passwords } = prepareClickHouse(context, ports.clickhouse);
  const [kafka, registry, clickhouse] = await allOrStop(
    [bringUpKafka(), bringUp(prepareRegistry(context, ports.registry)), bringUp(clickhousePlan)],
    interrupt,
    started,
  );
  unfollow();

  const env = stackEnvOf(ports, { clickhouse: passwords, macKey: keptMacKey(layout) });
  writeFileSync(layout.envFile, formatEnvFile(env), { mode: 0o600 });
  let stopping: Promise<void> | null = null;
  const stop = () => (stopping ??= stopAll(started).finally(() => release(hasFailed)));
  return { kafka, registry, clickhouse, env, envFile: layout.envFile, failed, stop };
}

/** Passes the caller's abort on until the returned function is called: once the stack is up, it is stopped by `stop` alone. */
function followInterrupt(outer: AbortSignal | undefined, inner: AbortController): () => void {
  const forward = () => inner.abort(new StackError({ kind: 'interrupted' }));
  outer?.addEventListener('abort', forward, { once: true });
  if (outer?.aborted === true) forward();
  return () => outer?.removeEventListener('abort', forward);
}

/** Waits for all three; the first failure interrupts the others, and only when everything is gone the failure is thrown. */
async function allOrStop(
  starts: readonly [Promise<Component>, Promise<Component>, Promise<Component>],
  interrupt: AbortController,
  started: readonly Component[],
): Promise<[Component, Component, Component]> {
  try {
    return await Promise.all(starts);
  } catch (error) {
    interrupt.abort(new StackError({ kind: 'interrupted' }));
    await Promise.allSettled(starts);
    await stopAll(started);
    throw error;
  }
}

async function stopAll(components: readonly Component[]): Promise<void> {
  await Promise.all(components.map((component) => component.stop()));
}

async function choosePorts(given: GivenPorts): Promise<StackPorts> {
  return {
    kafka: await choosePort('kafka', portSettings.kafka, given.kafka),
    registry: await choosePort('registry', portSettings.registry, given.registry),
    clickhouse: await choosePort('clickhouse', portSettings.clickhouse, given.clickhouse),
  };
}

/** How many logs of failed fresh runs are kept for whoever looks into them. */
const keptLogsMax = 10;

function removeOldFreshLogs(dir: string): void {
  const root = freshLogsDir(dir);
  if (!existsSync(root)) return;
  const byAge = readdirSync(root)
    .map((entry) => ({ path: join(root, entry), changedAtMs: statSync(join(root, entry)).mtimeMs }))
    .sort((a, b) => b.changedAtMs - a.changedAtMs);
  for (const { path } of byAge.slice(keptLogsMax)) rmSync(path, { recursive: true, force: true });
}

/** Fresh runs whose supervisor and guard both died; taking their lock kills whatever they left running. */
async function removeDeadFreshRuns(dir: string): Promise<void> {
  const root = freshRunsDir(dir);
  if (!existsSync(root)) return;
  for (const entry of readdirSync(root)) {
    const layout = runLayout(join(root, entry));
    // Without a lock file it may be a run that is just beginning.
    if (!existsSync(layout.lockFile) || isRunLocked(layout)) continue;
    try {
      await acquireRunLock(layout);
      rmSync(layout.root, { recursive: true, force: true });
    } catch (error) {
      // Another start is cleaning the same one.
      if (!(error instanceof StackError)) throw error;
    }
  }
}
