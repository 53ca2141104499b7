import { promises } from 'node:dns';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { afterAll, describe, expect, test } from '@jest/globals';

import { eventually } from '@docket/testkit';

import { createVettedLookup } from '../../src/receivers/vetted-lookup.ts';
import { createWebhookSender } from '../../src/receivers/webhook-sender.ts';

/** A name is the address that it has. */
const vettedLookup = createVettedLookup(async (address) => [{ address, family: 4 }]);
const servers: { close(): unknown; closeAllConnections?(): void }[] = [];
const sender = createWebhookSender({ allowedHosts: ['127.0.0.1'] });
afterAll(async () => {
  await sender.close();
  for (const server of servers) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function listening(handle: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(handle);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, url: `http://127.0.0.1:${portOf(server)}/in` };
}

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null || !('port' in address)) throw new Error('not listening');
  return Number(address.port);
}

const webhook = (url: string) => ({
  url,
  headers: { 'webhook-id': 'msg_1', 'content-type': 'application/json' },
  body: Buffer.from('{"a":1}'),
});
const never = new AbortController().signal;

describe('sending a webhook', () => {
  test('the receiver gets the bytes and headers; the answer says its status, Retry-After and text', async () => {
    let seen: { headers: IncomingHttpHeaders; body: string } | undefined;
    const { url } = await listening((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen = { headers: request.headers, body: Buffer.concat(chunks).toString() };
        response.writeHead(503, { 'retry-after': '7' }).end('busy'.repeat(1_000));
      });
    });
    const answer = await sender.send(webhook(url), never);
    expect(answer).toEqual({ kind: 'answered', status: 503, retryAfterMs: 7_000, text: 'busy'.repeat(1_000) });
    expect(seen).toMatchObject({
      body: '{"a":1}',
      headers: { 'webhook-id': 'msg_1', 'content-type': 'application/json', 'content-length': '7' },
    });
  });

  test('a redirect is an answer, not an order', async () => {
    let requests = 0;
    const { url } = await listening((_request, response) => {
      requests += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await sender.send(webhook(url), never)).toMatchObject({ kind: 'answered', status: 307 });
    expect(requests).toBe(1);
  });

  test('I8: an answer without end is cut off, and its socket closed', async () => {
    let sent = 0;
    let isClosed = false;
    const { url } = await listening((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        if (response.destroyed) return;
        sent += 4_096;
        response.write(Buffer.alloc(4_096, 'x'), () => setImmediate(more));
      };
      response.on('close', () => {
        isClosed = true;
      });
      more();
    });
    expect(await sender.send(webhook(url), never)).toMatchObject({ kind: 'answered', status: 200 });
    await eventually(() => isClosed, { what: 'closing the socket', deadlineMs: 5_000 });
    expect(sent).toBeLessThan(50_000_000);
  });

  test('what gives no answer has a name, and the name tells nothing about the network', async () => {
    const closing = createTcpServer((socket) => socket.destroy());
    servers.push(closing);
    await once(closing.listen(0, '127.0.0.1'), 'listening');
    expect(await sender.send(webhook(`http://127.0.0.1:${portOf(closing)}/`), never)).toEqual({
      kind: 'failed',
      error: 'connection',
    });
    const plain = await listening((_request, response) => response.end());
    expect(await sender.send(webhook(plain.url.replace('http:', 'https:')), never)).toEqual({
      kind: 'failed',
      error: 'tls',
    });
    plain.server.closeAllConnections();
    plain.server.close();
    await once(plain.server, 'close');
    expect(await sender.send(webhook(plain.url), never)).toEqual({ kind: 'failed', error: 'refused' });
    expect(await sender.send(webhook('nonsense'), never)).toEqual({ kind: 'failed', error: 'invalid_url' });
  });

  test('giving up ends the request at once', async () => {
    const giveUp = new AbortController();
    const { url } = await listening(() => giveUp.abort());
    expect(await sender.send(webhook(url), giveUp.signal)).toEqual({ kind: 'failed', error: 'connection' });
  });
});

describe('the guard against requests to internal addresses', () => {
  test('a name that resolves to an internal address is not connected to', async () => {
    let connections = 0;
    const { server } = await listening((_request, response) => response.end());
    server.on('connection', () => {
      connections += 1;
    });
    const guarded = createWebhookSender({
      allowedHosts: [],
      resolve: () => promises.lookup('localhost', { all: true }),
    });
    servers.push(guarded);
    const answer = await guarded.send(webhook(`https://localhost:${portOf(server)}/`), never);
    expect(answer).toEqual({ kind: 'failed', error: 'address_not_allowed' });
    expect(connections).toBe(0);
  });

  test.each([{ all: true }, { all: false }, {}])(
    'the look-up refuses with %j, and names no address',
    async (options) => {
      const error = await new Promise<Error | null>((resolve) => {
        vettedLookup('127.0.0.1', options, (failure) => resolve(failure));
      });
      expect(error).toMatchObject({ code: 'ADDRESS_NOT_ALLOWED' });
      expect(error?.message).not.toMatch(/\d/);
    },
  );

  test('public addresses pass in both forms', async () => {
    const all = await new Promise<unknown>((resolve) => {
      vettedLookup('8.8.8.8', { all: true }, (_error, addresses) => resolve(addresses));
    });
    expect(all).toEqual([{ address: '8.8.8.8', family: 4 }]);
    const one = await new Promise<unknown[]>((resolve) => {
      vettedLookup('8.8.8.8', {}, (...answer) => resolve(answer));
    });
    expect(one).toEqual([null, '8.8.8.8', 4]);
  });
});
