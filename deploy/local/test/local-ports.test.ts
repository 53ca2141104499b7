import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { choosePort, freePort } from '../src/local-ports.ts';
import { StackError } from '../src/problem-policy.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

describe('choosePort', () => {
  test.each(['127.0.0.1', '0.0.0.0'])(
    'a given port that somebody listens on at %s is refused by name',
    async (host) => {
      const port = await listen(host);
      await expect(choosePort('kafka', 'KAFKA_PORT', port)).rejects.toThrow(
        new StackError({ kind: 'port-taken', name: 'kafka', setting: 'KAFKA_PORT', port }),
      );
    },
  );

  test.each([0, 65_536, 1.5])('%d is no port', async (port) => {
    await expect(choosePort('kafka', 'KAFKA_PORT', port)).rejects.toThrow(`KAFKA_PORT=${port}`);
  });

  test('a given free port is taken as it is; none given means a free one', async () => {
    const port = await freePort();
    expect(await choosePort('registry', 'SCHEMA_REGISTRY_PORT', port)).toBe(port);
    const chosen = await choosePort('registry', 'SCHEMA_REGISTRY_PORT', undefined);
    expect(chosen).toBeGreaterThanOrEqual(20_000);
    expect(chosen).toBeLessThan(32_000);
  });
});
