import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { killNoted } from '@docket/local-stack';
import { startService } from '../src/index.ts';

/** Stands in for a service: ready after `readyAfter` requests, or ends at once. */
const standIn = (options: {
  readyAfter?: number;
  exitCode?: number;
  ignoreSigterm?: boolean;
}): [string, ...string[]] => [
  process.execPath,
  '-e',
  `const options = ${JSON.stringify(options)};
   if (options.exitCode !== undefined) { console.error('no such broker'); process.exit(options.exitCode); }
   if (options.ignoreSigterm) process.on('SIGTERM', () => {}); else process.on('SIGTERM', () => process.exit(0));
   let asked = 0;
   const server = require('node:http').createServer((request, response) => {
     asked += 1;
     response.writeHead(asked > (options.readyAfter ?? 0) ? 200 : 503).end(JSON.stringify(process.env));
   });
   server.listen(Number(process.env.HTTP_PORT), process.env.HTTP_HOST, () =>
     console.log(JSON.stringify({ port: server.address().port, msg: 'http.listening' })));`,
];

let processes: string;
const before = process.env['DOCKET_TEST_PROCESSES'];
beforeEach(() => {
  processes = mkdtempSync(join(tmpdir(), 'docket-processes-'));
  process.env['DOCKET_TEST_PROCESSES'] = processes;
});
afterEach(() => {
  if (before === undefined) delete process.env['DOCKET_TEST_PROCESSES'];
  else process.env['DOCKET_TEST_PROCESSES'] = before;
  rmSync(processes, { recursive: true, force: true });
});

describe('startService', () => {
  test('resolves when it is ready, with only the given settings in its environment', async () => {
    const service = await startService('gateway', { KAFKA_BROKERS: 'x:1' }, { command: standIn({ readyAfter: 2 }) });
    const env: unknown = await (await fetch(service.url)).json();
    expect(env).toMatchObject({ KAFKA_BROKERS: 'x:1', HTTP_PORT: '0', HTTP_HOST: '127.0.0.1' });
    expect(env).not.toHaveProperty('HOME');
    expect(service.logs.join()).toContain('http.listening');
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(readdirSync(processes)).toEqual([]);
  });

  test('rejects with the end of the log when it ends first', async () => {
    await expect(startService('gateway', {}, { command: standIn({ exitCode: 2 }) })).rejects.toThrow(
      /gateway ended \(code 2\)[\s\S]*no such broker/,
    );
  });

  test('rejects when it is not ready in time, and leaves nothing running', async () => {
    const never = { command: standIn({ readyAfter: 1_000_000 }), deadlineMs: 500 };
    await expect(startService('gateway', {}, never)).rejects.toThrow('not up after 500 ms');
    expect(readdirSync(processes)).toEqual([]);
    const listening = await startService('gateway', {}, { ...never, until: 'listening', deadlineMs: 10_000 });
    await listening.kill();
    expect(await listening.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('a stop that takes too long is a failure, and ends it all the same', async () => {
    const service = await startService('gateway', {}, { command: standIn({ ignoreSigterm: true }) });
    await expect(service.stop(100)).rejects.toThrow('did not stop within 100 ms');
    expect(await service.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  test('what a test leaves running is found, named and killed', async () => {
    const service = await startService('gateway', {}, { command: standIn({}) });
    expect(await killNoted(processes)).toEqual([`gateway-${service.pid}`]);
    expect(await service.exited).toMatchObject({ signal: 'SIGKILL' });
    expect(await killNoted(processes)).toEqual([]);
  });
});
