import { describe, expect, test } from '@jest/globals';
import { formatEnvFile, parseEnvFile, stackEnvOf } from '../src/stack-env-mapper.ts';

describe('stack.env', () => {
  const env = stackEnvOf(
    { kafka: 1, registry: 2, clickhouse: 3 },
    { clickhouse: { writer: 'secret', query: 'other', analyst: 'third' }, macKey: '00ff' },
  );

  test('names the settings of the services, with the factors of one broker', () => {
    expect(env).toEqual({
      KAFKA_BROKERS: '127.0.0.1:1',
      KAFKA_REPLICATION_FACTOR: '1',
      KAFKA_MIN_INSYNC_REPLICAS: '1',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:2/apis/ccompat/v7',
      CLICKHOUSE_URL: 'http://127.0.0.1:3',
      CLICKHOUSE_USER: 'docket',
      CLICKHOUSE_PASSWORD: 'secret',
      CLICKHOUSE_QUERY_USER: 'docket_query',
      CLICKHOUSE_QUERY_PASSWORD: 'other',
      CLICKHOUSE_ANALYST_USER: 'docket_analyst',
      CLICKHOUSE_ANALYST_PASSWORD: 'third',
      CLICKHOUSE_DATABASE: 'docket',
      DOCKET_MAC_KEYS: '00ff',
    });
  });

  test('reads back what it wrote', () => {
    expect(parseEnvFile(formatEnvFile(env))).toEqual(env);
  });

  test('passes over comments and blank lines', () => {
    expect(parseEnvFile('# note\n\nA=1\nB_2=x=y\nlower=no\n')).toEqual({ A: '1', B_2: 'x=y' });
  });

  test.each(['two words', 'a$b', "a'b", 'a#b', 'a\nb'])('refuses %j, which a shell would read otherwise', (value) => {
    expect(() => formatEnvFile({ A: value })).toThrow(RangeError);
  });
});
