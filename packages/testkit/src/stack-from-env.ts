import type { StackEnv } from '@docket/local-stack';

const names = [
  'KAFKA_BROKERS',
  'KAFKA_REPLICATION_FACTOR',
  'KAFKA_MIN_INSYNC_REPLICAS',
  'SCHEMA_REGISTRY_URL',
  'CLICKHOUSE_URL',
  'CLICKHOUSE_USER',
  'CLICKHOUSE_PASSWORD',
  'CLICKHOUSE_QUERY_USER',
  'CLICKHOUSE_QUERY_PASSWORD',
  'CLICKHOUSE_ANALYST_USER',
  'CLICKHOUSE_ANALYST_PASSWORD',
  'CLICKHOUSE_DATABASE',
  'DOCKET_MAC_KEYS',
] as const satisfies readonly (keyof StackEnv)[];

/** Where the real stack is, as the set-up of the tests put it into the environment. Throws when it did not: a missing stack fails a test, it does not skip it. */
export function stackFromEnv(env: NodeJS.ProcessEnv = process.env): StackEnv {
  const missing = names.filter((name) => env[name] === undefined);
  if (missing.length > 0) {
    throw new Error(
      `No stack: ${missing.join(', ')} not set. Is this file named *.contract.test.ts or *.system.test.ts?`,
    );
  }
  const read = (name: (typeof names)[number]) => env[name] ?? '';
  return {
    KAFKA_BROKERS: read('KAFKA_BROKERS'),
    KAFKA_REPLICATION_FACTOR: read('KAFKA_REPLICATION_FACTOR'),
    KAFKA_MIN_INSYNC_REPLICAS: read('KAFKA_MIN_INSYNC_REPLICAS'),
    SCHEMA_REGISTRY_URL: read('SCHEMA_REGISTRY_URL'),
    CLICKHOUSE_URL: read('CLICKHOUSE_URL'),
    CLICKHOUSE_USER: read('CLICKHOUSE_USER'),
    CLICKHOUSE_PASSWORD: read('CLICKHOUSE_PASSWORD'),
    CLICKHOUSE_QUERY_USER: read('CLICKHOUSE_QUERY_USER'),
    CLICKHOUSE_QUERY_PASSWORD: read('CLICKHOUSE_QUERY_PASSWORD'),
    CLICKHOUSE_ANALYST_USER: read('CLICKHOUSE_ANALYST_USER'),
    CLICKHOUSE_ANALYST_PASSWORD: read('CLICKHOUSE_ANALYST_PASSWORD'),
    CLICKHOUSE_DATABASE: read('CLICKHOUSE_DATABASE'),
    DOCKET_MAC_KEYS: read('DOCKET_MAC_KEYS'),
  };
}
