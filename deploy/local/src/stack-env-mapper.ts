import { clickhouseAnalystUser, clickhouseDatabase, clickhouseQueryUser, clickhouseUser } from './clickhouse-mapper.ts';
import { registryApiPath } from './registry-mapper.ts';

/** The settings by which every Docket process finds the stack; the names are the services' own. */
export type StackEnv = Readonly<
  Record<
    | 'KAFKA_BROKERS'
    | 'KAFKA_REPLICATION_FACTOR'
    | 'KAFKA_MIN_INSYNC_REPLICAS'
    | 'SCHEMA_REGISTRY_URL'
    | 'CLICKHOUSE_URL'
    | 'CLICKHOUSE_USER'
    | 'CLICKHOUSE_PASSWORD'
    | 'CLICKHOUSE_QUERY_USER'
    | 'CLICKHOUSE_QUERY_PASSWORD'
    | 'CLICKHOUSE_ANALYST_USER'
    | 'CLICKHOUSE_ANALYST_PASSWORD'
    | 'CLICKHOUSE_DATABASE'
    | 'DOCKET_MAC_KEYS',
    string
  >
>;

export interface StackPorts {
  readonly kafka: number;
  readonly registry: number;
  readonly clickhouse: number;
}

export interface ClickHousePasswords {
  readonly writer: string;
  readonly query: string;
  readonly analyst: string;
}

export interface StackSecrets {
  readonly clickhouse: ClickHousePasswords;
  /** Of Docket's own records on the events topic; as old as the data. */
  readonly macKey: string;
}

export function stackEnvOf(ports: StackPorts, { clickhouse, macKey }: StackSecrets): StackEnv {
  return {
    KAFKA_BROKERS: `127.0.0.1:${ports.kafka}`,
    KAFKA_REPLICATION_FACTOR: '1',
    KAFKA_MIN_INSYNC_REPLICAS: '1',
    SCHEMA_REGISTRY_URL: `http://127.0.0.1:${ports.registry}${registryApiPath}`,
    CLICKHOUSE_URL: `http://127.0.0.1:${ports.clickhouse}`,
    CLICKHOUSE_USER: clickhouseUser,
    CLICKHOUSE_PASSWORD: clickhouse.writer,
    CLICKHOUSE_QUERY_USER: clickhouseQueryUser,
    CLICKHOUSE_QUERY_PASSWORD: clickhouse.query,
    CLICKHOUSE_ANALYST_USER: clickhouseAnalystUser,
    CLICKHOUSE_ANALYST_PASSWORD: clickhouse.analyst,
    CLICKHOUSE_DATABASE: clickhouseDatabase,
    DOCKET_MAC_KEYS: macKey,
  };
}

/** Text of stack.env: one NAME=value a line, values without quotes or blanks, so that a shell and `node --env-file` read it alike. */
export function formatEnvFile(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => {
      if (!/^[\w.:/,@%+-]*$/.test(value)) throw new RangeError(`${name} cannot be written to an env file unquoted`);
      return `${name}=${value}\n`;
    })
    .join('');
}

/** What `formatEnvFile` wrote; blank lines and comments are passed over. */
export function parseEnvFile(text: string): Record<string, string> {
  const entries = text
    .split('\n')
    .map((line) => /^([A-Z_][A-Z0-9_]*)=(.*)$/.exec(line.trim()))
    .flatMap((match) => (match?.[1] === undefined ? [] : [[match[1], match[2] ?? ''] as const]));
  return Object.fromEntries(entries);
}
