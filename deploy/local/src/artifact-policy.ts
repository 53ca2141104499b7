import { createHash } from 'node:crypto';
import type { ComponentName } from './layout.ts';

/** What is downloaded for one component; megabytes are for the operator's eyes. */
export interface ArtifactPlan {
  readonly name: ComponentName;
  readonly version: string;
  readonly megabytes: number;
  /** Directory name that changes with the declaration, so that a new version is a new download. */
  readonly key: string;
}

/** Room for the downloads, their unpacked form and the package managers' own caches. */
export const downloadFreeBytesMin = 2_500_000_000;
/** Room for a day of trying things out; below it Kafka and ClickHouse fail in the middle of a write. */
export const runFreeBytesMin = 500_000_000;

/** `declaration` is the text of the pom.xml or package-lock.json that names what to download. */
export function planArtifact(name: ComponentName, declaration: string, platform: string): ArtifactPlan {
  const version = readVersion(name, declaration);
  const digest = createHash('sha256').update(declaration).digest('hex').slice(0, 8);
  const suffix = name === 'clickhouse' ? `-${platform}` : '';
  return { name, version, megabytes: megabytesOf[name], key: `${name}-${version}${suffix}-${digest}` };
}

/** Megabytes that a Maven log says have been transferred. */
export function mavenDownloadedMegabytes(log: string): number {
  const scale: Record<string, number> = { B: 1e-6, kB: 1e-3, MB: 1, GB: 1e3 };
  const sizes = log.matchAll(/Downloaded from [^\n]*\(([\d.]+) ([kMG]?B) at /g);
  return [...sizes].reduce((sum, [, amount, unit]) => sum + Number(amount) * (scale[unit ?? ''] ?? 0), 0);
}

const megabytesOf: Record<ComponentName, number> = { kafka: 45, registry: 142, clickhouse: 150 };

function readVersion(name: ComponentName, declaration: string): string {
  const patterns: Record<ComponentName, RegExp> = {
    kafka: /<kafka\.version>([^<]+)</,
    registry: /<apicurio\.version>([^<]+)</,
    clickhouse: /"@chdb\/lib-linux-x64-gnu": "([^"]+)"/,
  };
  const version = patterns[name].exec(declaration)?.[1];
  if (version === undefined) throw new Error(`the declaration of ${name} names no version`);
  return version;
}
