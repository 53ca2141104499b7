import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from './error-code.ts';
import type { ArtifactPlan } from './artifact-policy.ts';
import { downloadFreeBytesMin, mavenDownloadedMegabytes, planArtifact } from './artifact-policy.ts';
import { clickhousePackage } from './clickhouse-mapper.ts';
import type { Command } from './kafka-mapper.ts';
import type { ComponentName } from './layout.ts';
import { artifactsDir, packageFile } from './layout.ts';
import { launch } from './managed-process.ts';
import { StackError } from './problem-policy.ts';
import type { ProcessGuard } from './process-guard.ts';
import { identify, isAlive } from './process-identity.ts';

/** The downloaded programs. */
export interface Artifacts {
  readonly kafkaVersion: string;
  readonly kafkaLibsDir: string;
  readonly registryHomeDir: string;
  readonly registryJarName: string;
  readonly clickhouseLibraryFile: string;
}

export interface DownloadOptions {
  readonly guard: ProcessGuard;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}

type Download = (target: string, logFile: string) => Promise<void>;

const progressIntervalMs = 5000;
/** The largest download is 150 MB: half an hour is a very slow line, more is a hanging one. */
const downloadDeadlineMs = 30 * 60_000;
const platform = `${process.platform}-${process.arch}`;

/**
 * Makes sure that everything is downloaded. What is there is used as it is: a download appears under its final name only when it is whole,
 * so a half-finished one is redone. Safe to run by two at once.
 */
export async function ensureArtifacts(dir: string, options: DownloadOptions): Promise<Artifacts> {
  const libraryPackage = clickhousePackage(process.platform, process.arch);
  if (libraryPackage === null) throw new StackError({ kind: 'platform-unknown', platform });
  const plans = planAll();
  mkdirSync(artifactsDir(dir), { recursive: true });
  removePartials(artifactsDir(dir));
  if (Object.values(plans).some((plan) => !existsSync(join(artifactsDir(dir), plan.key)))) {
    await requireFreeSpace(dir, downloadFreeBytesMin);
  }
  const registryJarName = `apicurio-registry-app-${plans.registry.version}-runner.jar`;
  const wanted: Record<ComponentName, string> = {
    kafka: `kafka_2.13-${plans.kafka.version}.jar`,
    registry: registryJarName,
    clickhouse: libraryFile('', libraryPackage),
  };
  const failure = new AbortController();
  const shared = { ...options, signal: AbortSignal.any([options.signal, failure.signal]) };
  const place = (name: ComponentName, download: Download) =>
    ensureArtifact(dir, plans[name], wanted[name], shared, download);
  // Two Mavens at once may spoil their shared repository, so they follow each other; npm runs beside them.
  const kafka = place('kafka', (target, log) => runMaven('kafka', 'copy-dependencies', target, log, shared));
  const registry = kafka.then(() =>
    place('registry', (target, log) => runMaven('registry', 'unpack-dependencies', target, log, shared)),
  );
  const clickhouse = place('clickhouse', (target, log) => runNpm(target, log, shared));
  const downloads = [kafka, registry, clickhouse] as const;
  const [kafkaLibsDir, registryHomeDir, clickhouseDir] = await Promise.all(downloads).catch(async (error: unknown) => {
    failure.abort(error);
    await Promise.allSettled(downloads);
    throw error;
  });
  return {
    kafkaVersion: plans.kafka.version,
    kafkaLibsDir,
    registryHomeDir,
    registryJarName,
    clickhouseLibraryFile: libraryFile(clickhouseDir, libraryPackage),
  };
}

/** Where Kafka's jars are (or will be) under `dir`. */
export function kafkaLibsDirOf(dir: string): string {
  return join(artifactsDir(dir), planAll().kafka.key);
}

/** Throws StackError `disk-full` when fewer bytes are free at `dir`. */
export async function requireFreeSpace(dir: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes) throw new StackError({ kind: 'disk-full', dir, freeBytes, neededBytes });
}

function planAll(): Record<ComponentName, ArtifactPlan> {
  const declared = (name: ComponentName, file: string) =>
    planArtifact(name, readFileSync(packageFile(name, file), 'utf8'), platform);
  return {
    kafka: declared('kafka', 'pom.xml'),
    registry: declared('registry', 'pom.xml'),
    clickhouse: declared('clickhouse', 'package-lock.json'),
  };
}

async function ensureArtifact(
  dir: string,
  plan: ArtifactPlan,
  wantedFile: string,
  options: DownloadOptions,
  download: Download,
): Promise<string> {
  const final = join(artifactsDir(dir), plan.key);
  if (existsSync(final)) return final;
  const partial = join(artifactsDir(dir), `.partial-${process.pid}-${plan.key}`);
  const logFile = join(dir, 'logs', `download-${plan.name}.log`);
  rmSync(partial, { recursive: true, force: true });
  rmSync(logFile, { force: true });
  mkdirSync(partial, { recursive: true });
  options.report(`${plan.name} ${plan.version}: downloading about ${plan.megabytes} MB, once`);
  const startedAt = Date.now();
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    options.report(`${plan.name} ${plan.version}: ${transferred(plan.name, partial, logFile)} MB after ${seconds} s`);
  }, progressIntervalMs);
  try {
    await download(partial, logFile);
    // A tool may report success and leave nothing: npm passes over an optional package that it cannot get.
    if (!existsSync(join(partial, wantedFile))) {
      throw new StackError({ kind: 'download-failed', what: plan.name, logFile });
    }
    moveIntoPlace(partial, final);
  } finally {
    clearInterval(timer);
    rmSync(partial, { recursive: true, force: true });
  }
  options.report(`${plan.name} ${plan.version}: downloaded in ${Math.round((Date.now() - startedAt) / 1000)} s`);
  return final;
}

async function runMaven(
  name: ComponentName,
  goal: string,
  target: string,
  logFile: string,
  options: DownloadOptions,
): Promise<void> {
  const pom = packageFile(name, 'pom.xml');
  // Markers say what was unpacked already; beside the pom they would outlive a removed .local.
  const markers = `-DmarkersDirectory=${join(target, 'markers')}`;
  const args = ['-B', '-f', pom, `dependency:${goal}`, `-DoutputDirectory=${target}`, markers];
  await runDownload(name, { command: 'mvn', args }, target, logFile, 'maven-missing', options);
}

async function runNpm(target: string, logFile: string, options: DownloadOptions): Promise<void> {
  for (const file of ['package.json', 'package-lock.json']) {
    cpSync(packageFile('clickhouse', file), join(target, file));
  }
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=http'];
  await runDownload('clickhouse', { command: 'npm', args }, target, logFile, 'npm-missing', options);
}

async function runDownload(
  name: ComponentName,
  command: Command,
  cwd: string,
  logFile: string,
  missing: 'maven-missing' | 'npm-missing',
  { guard, signal }: DownloadOptions,
): Promise<void> {
  const stopped = AbortSignal.any([signal, AbortSignal.timeout(downloadDeadlineMs)]);
  stopped.throwIfAborted();
  const tool = await launch(command, { guard, logFile, cwd }).catch((error: unknown) => {
    if (hasErrorCode(error, 'ENOENT')) throw new StackError({ kind: missing });
    throw error;
  });
  const stop = () => void tool.stop(0);
  stopped.addEventListener('abort', stop, { once: true });
  const { code } = await tool.exited;
  stopped.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (code !== 0) throw new StackError({ kind: 'download-failed', what: name, logFile });
}

function moveIntoPlace(partial: string, final: string): void {
  try {
    renameSync(partial, final);
  } catch (error) {
    // Another supervisor finished the same download first; its copy is as good.
    if (!existsSync(final)) throw error;
  }
}

/** Downloads whose process died. */
function removePartials(root: string): void {
  for (const entry of readdirSync(root)) {
    const pid = /^\.partial-(\d+)-/.exec(entry)?.[1];
    if (pid === undefined) continue;
    const owner = identify(Number(pid));
    if (owner === null || !isAlive(owner)) rmSync(join(root, entry), { recursive: true, force: true });
  }
}

function libraryFile(installDir: string, libraryPackage: string): string {
  return join(installDir, 'node_modules', ...libraryPackage.split('/'), 'libchdb.so');
}

function transferred(name: ComponentName, partial: string, logFile: string): number {
  if (name !== 'clickhouse') {
    return Math.round(existsSync(logFile) ? mavenDownloadedMegabytes(readFileSync(logFile, 'utf8')) : 0);
  }
  const sizes = readdirSync(partial, { recursive: true, encoding: 'utf8' }).map(
    (file) => statSync(join(partial, file), { throwIfNoEntry: false })?.size ?? 0,
  );
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6);
}
