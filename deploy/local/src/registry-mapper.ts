import type { Command } from './kafka-mapper.ts';
import { quickStart } from './kafka-mapper.ts';

export interface RegistryPlan {
  readonly port: number;
  /** Without a suffix: H2 appends `.mv.db`. */
  readonly databaseFile: string;
  /** Shown by /apis/registry/v2/system/info: how the supervisor knows the registry it started from another on the same port. */
  readonly token: string;
}

/** The path below which Apicurio speaks the Confluent API; the whole URL is SCHEMA_REGISTRY_URL. */
export const registryApiPath = '/apis/ccompat/v7';

export function registryCommand(java: string, homeDir: string, jarName: string, plan: RegistryPlan): Command {
  return {
    command: java,
    args: [
      '-Xmx256m',
      ...quickStart,
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${plan.port}`,
      `-Dregistry.description=${plan.token}`,
      // A file, not memory: schema ids in Kafka must mean the same after a restart. WRITE_DELAY=0: an answered registration survives SIGKILL.
      `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${plan.databaseFile};WRITE_DELAY=0`,
      '-Dquarkus.datasource.jdbc.min-size=1',
      '-Dquarkus.datasource.jdbc.initial-size=1',
      '-Dquarkus.datasource.jdbc.max-size=10',
      '-DLOG_LEVEL=INFO',
      // One line per request otherwise.
      '-Dquarkus.log.category."io.apicurio.common.apps.logging.audit".level=WARN',
      '-jar',
      `${homeDir}/${jarName}`,
    ],
  };
}

/** Whether the answer of /apis/registry/v2/system/info comes from the registry that was started with `token`. */
export function readRegistryInfo(info: unknown, token: string): { ours: boolean; version: string } {
  if (typeof info !== 'object' || info === null) return { ours: false, version: '' };
  const description = 'description' in info ? info.description : undefined;
  const version = 'version' in info && typeof info.version === 'string' ? info.version : '';
  return { ours: description === token, version };
}
