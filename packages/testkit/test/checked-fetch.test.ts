import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkedFetch, createAnswerCheck } from '../src/index.ts';

let server: Server;
let url: string;
const send = checkedFetch(fetch, createAnswerCheck());
const rights = { credential: 'key', view: 'operator', key_id: 'k', scopes: [], tenants: '*' };

/** Answers with what the request's header says. */
beforeAll(async () => {
  server = createServer((req, res) => {
    if (req.headers['x-ours'] === 'yes') res.setHeader('X-Request-Id', 'r');
    res.setHeader('Content-Type', 'application/json').end(req.headers['x-body']);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : '';
});
afterAll(() => void server.close());

const ask = (path: string, ours: string, body: object): Promise<Response> =>
  send(`${url}${path}`, { headers: { 'x-ours': ours, 'x-body': JSON.stringify(body) } });

test('gives an answer that is declared, unread', async () => {
  expect(await (await ask('/v1/whoami', 'yes', rights)).json()).toEqual(rights);
});

test('rejects one of ours that is not, and says what is wrong', async () => {
  await expect(ask('/v1/whoami', 'yes', { ...rights, secret: 's' })).rejects.toThrow(/GET \/v1\/whoami 200: .*secret/);
});

test.each([
  ['/v1/whoami', 'no'],
  ['/elsewhere', 'yes'],
])('leaves alone what is not ours: %s', async (path, ours) => {
  expect((await ask(path, ours, { any: 'thing' })).status).toBe(200);
});
