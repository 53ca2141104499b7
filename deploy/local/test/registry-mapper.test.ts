import { describe, expect, test } from '@jest/globals';
import { readRegistryInfo, registryCommand } from '../src/registry-mapper.ts';

describe('registryCommand', () => {
  const { args } = registryCommand('java', '/home', 'app-runner.jar', {
    port: 21003,
    databaseFile: '/data/registry',
    token: 'T',
  });

  test('listens on loopback with a small heap', () => {
    expect(args).toContain('-Dquarkus.http.host=127.0.0.1');
    expect(args).toContain('-Dquarkus.http.port=21003');
    expect(args).toContain('-Xmx256m');
    expect(args.slice(-2)).toEqual(['-jar', '/home/app-runner.jar']);
  });

  test('an answered registration is on disk: schema ids in Kafka must mean the same after a crash', () => {
    expect(args).toContain('-Dquarkus.datasource.jdbc.url=jdbc:h2:file:/data/registry;WRITE_DELAY=0');
  });
});

describe('readRegistryInfo', () => {
  test('knows its own registry by the token', () => {
    expect(readRegistryInfo({ description: 'T', version: '2.6.13.Final' }, 'T')).toEqual({
      ours: true,
      version: '2.6.13.Final',
    });
  });

  test.each([null, 'text', {}, { description: 'other', version: 1 }])('%j is another server', (info) => {
    expect(readRegistryInfo(info, 'T').ours).toBe(false);
  });
});
