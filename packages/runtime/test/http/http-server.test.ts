import { once } from 'node:events';
import { connect } from 'node:net';

import { afterEach, expect, test } from '@jest/globals';

import { listenHttp } from '../../src/http/http-server.ts';
import type { HttpServer } from '../../src/http/http-server.ts';

let server: HttpServer;
afterEach(() => server.close(0));

const request = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

test('I7: requests of one connection that come at once are served one after another, with others in between', async () => {
  const order: string[] = [];
  let underWay = 0;
  let most = 0;
  server = await listenHttp(
    (req, res) => {
      underWay += 1;
      most = Math.max(most, underWay);
      order.push(req.headers['x-name'] === undefined ? 'many' : 'other');
      setImmediate(() => {
        underWay -= 1;
        res.end('x');
      });
    },
    0,
    '127.0.0.1',
  );
  const many = connect(server.port, '127.0.0.1');
  const other = connect(server.port, '127.0.0.1');
  await Promise.all([once(many, 'connect'), once(other, 'connect')]);
  let answers = 0;
  const answered = new Promise<void>((resolve) => {
    many.on('data', (chunk) => {
      answers += chunk.toString().split('HTTP/1.1 200').length - 1;
      if (answers === 200) resolve();
    });
  });
  many.write(request.repeat(200));
  other.write('GET / HTTP/1.1\r\nHost: h\r\nX-Name: other\r\n\r\n');
  await answered;
  expect(order.filter((name) => name === 'many')).toHaveLength(200);
  expect(order.indexOf('other')).toBeLessThan(100);
  expect(most).toBeLessThanOrEqual(2);
  many.destroy();
  other.destroy();
});

test('I8: a connection on which thousands wait behind an answer is cut off', async () => {
  server = await listenHttp(() => undefined, 0, '127.0.0.1');
  const socket = connect(server.port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => socket.on('error', () => undefined).once('close', () => resolve()));
  socket.write(request.repeat(5_000));
  await closed;
});

test('a request whose turn has come is not begun when its connection has gone meanwhile: nothing would ever end it', async () => {
  let begun = 0;
  server = await listenHttp(
    (req, res) => {
      begun += 1;
      // As a reset that is read right then: the turn of the next request is set, and has not begun.
      res.once('close', () => process.nextTick(() => req.socket.destroy()));
      res.end('x');
    },
    0,
    '127.0.0.1',
  );
  const socket = connect(server.port, '127.0.0.1')
    .on('error', () => undefined)
    .resume();
  const closed = once(socket, 'close');
  socket.write(request.repeat(3));
  await closed;
  expect(begun).toBe(1);
});
