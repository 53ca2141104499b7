import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { caCertificate, localhostCertificate, serverKey } from './certificates.ts';

const run = promisify(execFile);
const sender = new URL('../../dist/receivers/webhook-sender.js', import.meta.url).href;
/** As a process sends: Node reads NODE_EXTRA_CA_CERTS once, at its start. */
const program = `
  const { createWebhookSender } = await import(process.argv[1]);
  const sender = createWebhookSender({ allowedHosts: ['localhost'] });
  const request = { url: process.argv[2], headers: {}, body: Buffer.from('{}') };
  console.log(JSON.stringify(await sender.send(request, new AbortController().signal)));
  await sender.close();
`;

let folder: string;
const server = createServer({ key: serverKey, cert: localhostCertificate }, (_request, response) =>
  response.writeHead(204).end(),
);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docket-authority-'));
  await writeFile(join(folder, 'ca.pem'), caCertificate);
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

async function sendWith(env: Readonly<Record<string, string>>): Promise<unknown> {
  const { port } = server.address() as AddressInfo;
  const args = ['--input-type=module', '--eval', program, sender, `https://localhost:${port}/`];
  const { stdout } = await run(process.execPath, args, { env: { PATH: process.env['PATH'] ?? '', ...env } });
  return JSON.parse(stdout);
}

test('a receiver with a certificate of an own authority is sent to when NODE_EXTRA_CA_CERTS names it, and only then', async () => {
  expect(await sendWith({})).toEqual({ kind: 'failed', error: 'tls' });
  expect(await sendWith({ NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') })).toMatchObject({
    kind: 'answered',
    status: 204,
  });
}, 60_000);
