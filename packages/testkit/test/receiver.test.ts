import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { Receiver } from '../src/index.ts';
import { startReceiver } from '../src/index.ts';

const secret = `whsec_${Buffer.from('a secret of enough bytes').toString('base64')}`;
const otherSecret = `whsec_${Buffer.from('another secret of bytes!').toString('base64')}`;

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver({ secrets: [secret] });
});
afterEach(() => receiver.close());

async function send(body: string, signedWith = secret): Promise<number> {
  const now = new Date();
  const response = await fetch(`${receiver.url}/hook`, {
    method: 'POST',
    body,
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(signedWith).sign('msg_1', now, body),
    },
  });
  return response.status;
}

describe('startReceiver', () => {
  test('records what came, byte for byte, and whether the signature holds', async () => {
    const before = Date.now();
    expect(await send('{"ü":1}')).toBe(204);
    expect(await send('{}', otherSecret)).toBe(204);
    const [first, second] = receiver.requests;
    expect(first).toMatchObject({ method: 'POST', path: '/hook', status: 204, signature: 'valid' });
    expect(first?.body.toString('utf8')).toBe('{"ü":1}');
    expect(first?.headers['webhook-id']).toBe('msg_1');
    expect(first?.arrivedAtMs).toBeGreaterThanOrEqual(before);
    expect(second?.signature).toBe('invalid');
  });

  test('during a rotation one of several secrets is enough; without secrets nothing is checked', async () => {
    receiver.expectSecrets(otherSecret, secret);
    await send('{}');
    receiver.expectSecrets();
    await send('{}');
    expect(receiver.requests.map(({ signature }) => signature)).toEqual(['valid', 'unchecked']);
  });

  test('what came before its secret was known is checked when it is', async () => {
    receiver.expectSecrets();
    await send('{}');
    await send('{}', otherSecret);
    receiver.expectSecrets(secret);
    expect(receiver.requests.map(({ signature }) => signature)).toEqual(['valid', 'invalid']);
  });

  test('fails as often as it was told, then is well again; only what it answered 2xx counts as accepted', async () => {
    receiver.answer({ kind: 'status', status: 503, headers: { 'retry-after': '1' }, times: 2 });
    expect([await send('1'), await send('2'), await send('3')]).toEqual([503, 503, 204]);
    expect(receiver.accepted().map(({ body }) => body.toString())).toEqual(['3']);
  });

  test('fails until told otherwise', async () => {
    receiver.answer({ kind: 'status', status: 500 });
    expect([await send('1'), await send('2')]).toEqual([500, 500]);
    receiver.answer({ kind: 'ok' });
    expect(await send('3')).toBe(204);
  });

  test('fails for a while', async () => {
    receiver.answer({ kind: 'status', status: 500, durationMs: 0 });
    expect(await send('1')).toBe(204);
  });

  test('hangs: takes the request, answers never, and still closes at once', async () => {
    receiver.answer({ kind: 'hang' });
    await expect(
      fetch(receiver.url, { method: 'POST', body: 'x', signal: AbortSignal.timeout(200) }),
    ).rejects.toThrow();
    expect(receiver.requests[0]).toMatchObject({ status: null });
    expect(receiver.accepted()).toEqual([]);
  });

  test('comes back on the same port', async () => {
    const { port } = receiver;
    await receiver.close();
    receiver = await startReceiver({ port });
    expect(receiver.port).toBe(port);
  });
});
