import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:https';
import { afterAll, describe, expect, test } from '@jest/globals';

import { eventually } from '@docket/testkit';

import type { Answer } from '../../src/machine/outcome-policy.ts';
import { createVettedLookup, NameNotFoundError } from '../../src/receivers/vetted-lookup.ts';
import type { Resolve } from '../../src/receivers/vetted-lookup.ts';
import { createWebhookSender } from '../../src/receivers/webhook-sender.ts';
import { caCertificate, localhostCertificate, serverKey, siemCertificate } from './certificates.ts';
import { earlyHint, hostileAnswers, startHostileServer } from './hostile-servers.ts';
import type { HostileServer } from './hostile-servers.ts';

/** Short, so that what only a deadline ends is seen to end by it. */
const deadlines = { connectMs: 2_000, firstByteMs: 3_000, exchangeMs: 3_000 };
const sender = createWebhookSender({ allowedHosts: ['127.0.0.1'], deadlines });
const servers: HostileServer[] = [];
const closing: (() => unknown)[] = [];
afterAll(async () => {
  await sender.close();
  for (const server of servers) server.close();
  for (const close of closing) await close();
});

const never = new AbortController().signal;
const webhook = (url: string) => ({ url, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') });

async function hostile(...parameters: Parameters<typeof startHostileServer>): Promise<HostileServer> {
  const server = await startHostileServer(...parameters);
  servers.push(server);
  return server;
}

describe('I7, I8: whatever a server does, the exchange is over in time, little is read, and the connection is closed', () => {
  const failed = (error: string) => ({ kind: 'failed', error });
  const expected: Readonly<Record<keyof typeof hostileAnswers, object>> = {
    'a body that drips': failed('timeout'),
    'headers that drip': failed('timeout'),
    'early hints without end': failed('connection'),
    'early hints at once, without end': failed('connection'),
    'headers of a mebibyte': failed('connection'),
    'headers without end': failed('connection'),
    'a body without end': { kind: 'answered', status: 200 },
    'a compressed bomb': { kind: 'answered', status: 200 },
    'less than it announced': failed('connection'),
    'another protocol': failed('connection'),
    'an upgrade that nobody asked for': failed('connection'),
    'two lengths': failed('connection'),
    'a length that is none': failed('connection'),
    'nothing, and the connection closed': failed('connection'),
    'nothing, and the connection reset': failed('connection'),
    'nothing, for ever': failed('timeout'),
  };

  test.each(Object.entries(hostileAnswers))('%s', async (name, answer) => {
    const server = await hostile(answer);
    const beganAtMs = performance.now();
    const seen: Answer = await sender.send(webhook(`http://127.0.0.1:${server.port}/`), never);
    expect(performance.now() - beganAtMs).toBeLessThan(10_000);
    expect(seen).toMatchObject(expected[name] ?? {});
    if (seen.kind === 'answered') expect(seen.text.length).toBeLessThanOrEqual(16 * 1024);
    await eventually(() => server.open() === 0, { what: 'the end of the connection', deadlineMs: 5_000 });
  });

  test.each([
    ['at', 16, { kind: 'answered', status: 204 }],
    ['above', 17, failed('connection')],
  ])('informational answers %s the limit: %i', async (_name, count, expectedAnswer) => {
    const answers = `${earlyHint.repeat(count)}HTTP/1.1 204 No Content\r\n\r\n`;
    const server = await hostile((socket) => void socket.write(answers));
    const seen = await sender.send(webhook(`http://127.0.0.1:${server.port}/`), never);
    expect(seen).toMatchObject(expectedAnswer);
  });

  test('a server that accepts and never reads', async () => {
    const server = await hostile(() => undefined, { pauseOnConnect: true });
    const large = { ...webhook(`http://127.0.0.1:${server.port}/`), body: Buffer.alloc(32 * 1024 * 1024) };
    expect(await sender.send(large, never)).toEqual(failed('timeout'));
  });
});

describe('connections that are used again', () => {
  test('an answer that was not asked for is not taken for the next one', async () => {
    const none = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';
    const both = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
    const server = await hostile((socket, number) => void socket.write(number === 1 ? none + both : none));
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await sender.send(webhook(url), never)).toMatchObject({ kind: 'answered', status: 503 });
    const second = await sender.send(webhook(url), never);
    expect(second).not.toMatchObject({ status: 200 });
  });

  test('half-open: a connection that the other side has forgotten fails once, and the next request takes a new one', async () => {
    const answer = 'HTTP/1.1 204 No Content\r\n\r\n';
    const server = await hostile((socket, number) => {
      if (number === 2) socket.resetAndDestroy();
      else socket.write(answer);
    });
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await sender.send(webhook(url), never)).toMatchObject({ status: 204 });
    expect(await sender.send(webhook(url), never)).toEqual({ kind: 'failed', error: 'connection' });
    expect(await sender.send(webhook(url), never)).toMatchObject({ status: 204 });
    expect(server.connections()).toBe(2);
  });
});

describe('a resolver that is not to be trusted', () => {
  /** Each look-up gets the next answer; the last one for ever. */
  const resolverOf = (...answers: readonly (readonly string[])[]): { resolve: Resolve; asked: () => number } => {
    let asked = 0;
    const resolve: Resolve = async (_name) => {
      const answer = answers[Math.min(asked, answers.length - 1)] ?? [];
      asked += 1;
      if (answer.length === 0) throw new NameNotFoundError('no such name');
      return answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    };
    return { resolve, asked: () => asked };
  };

  test.each([
    [['127.0.0.1']],
    [['8.8.8.8', '127.0.0.1']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['64:ff9b::7f00:1']],
    [['2002:7f00:1::']],
    [['2001:0:7f00:1::1']],
    [['::127.0.0.1']],
    [['169.254.169.254']],
    [['fe80::1%lo']],
  ])('a name that is %j is not connected to', async (addresses) => {
    const server = await hostile(() => undefined);
    const { resolve } = resolverOf(addresses);
    const guarded = createWebhookSender({ allowedHosts: [], deadlines, resolve });
    closing.push(() => guarded.close());
    const answer = await guarded.send(webhook(`https://siem.example:${server.port}/`), never);
    expect(answer).toEqual({ kind: 'failed', error: 'address_not_allowed' });
    expect(server.connections()).toBe(0);
  });

  test('what the operator allows to one tenant is refused to the others, whoever asks first', async () => {
    const server = await hostile((socket) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const guarded = createWebhookSender({ allowedHosts: [`acme@127.0.0.1:${server.port}`], deadlines });
    closing.push(() => guarded.close());
    const request = webhook(`http://127.0.0.1:${server.port}/`);
    const answers: Answer[] = [];
    for (const tenant of ['globex', 'acme', 'globex', undefined])
      answers.push(await guarded.send(request, never, tenant));
    expect(answers.map((answer) => (answer.kind === 'answered' ? answer.status : answer.error))).toEqual([
      'invalid_url',
      204,
      'invalid_url',
      'invalid_url',
    ]);
    expect(server.connections()).toBe(1);
  });

  test('rebinding: one look-up decides, and what it gave is what is connected to', async () => {
    const { resolve, asked } = resolverOf(['8.8.8.8'], ['127.0.0.1']);
    const given = await new Promise((done) => {
      createVettedLookup(resolve)('siem.example', { all: true }, (_error, addresses) => done(addresses));
    });
    expect(given).toEqual([{ address: '8.8.8.8', family: 4 }]);
    expect(asked()).toBe(1);
  });

  test('rebinding: a name is judged again for every connection', async () => {
    const server = await hostile(() => undefined);
    const { resolve } = resolverOf([], ['127.0.0.1']);
    const guarded = createWebhookSender({ allowedHosts: [], deadlines, resolve });
    closing.push(() => guarded.close());
    const url = `https://siem.example:${server.port}/`;
    expect(await guarded.send(webhook(url), never)).toEqual({ kind: 'failed', error: 'dns' });
    expect(await guarded.send(webhook(url), never)).toEqual({ kind: 'failed', error: 'address_not_allowed' });
    expect(server.connections()).toBe(0);
  });
});

describe('TLS', () => {
  const tlsServer = async (cert: string): Promise<number> => {
    const server = createTlsServer({ key: serverKey, cert }, (_request, response) => response.writeHead(204).end());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    closing.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const send = async (cert: string, ca?: string): Promise<Answer> => {
    const trusting = createWebhookSender({
      allowedHosts: ['localhost'],
      deadlines,
      ...(ca === undefined ? {} : { ca }),
    });
    closing.push(() => trusting.close());
    return trusting.send(webhook(`https://localhost:${await tlsServer(cert)}/`), never);
  };

  test('the name that was asked for, from an authority that is trusted: sent', async () => {
    expect(await send(localhostCertificate, caCertificate)).toMatchObject({ kind: 'answered', status: 204 });
  });

  test.each([
    ['another name', siemCertificate, caCertificate],
    ['an authority that is not trusted', localhostCertificate, undefined],
  ])('%s: not sent', async (_what, cert, ca) => {
    expect(await send(cert, ca)).toEqual({ kind: 'failed', error: 'tls' });
  });
});
