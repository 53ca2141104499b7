// The receivers of bench-delivery, in a process of their own that shares no code with the sender: plain node:http, one server for each origin.
// What arrives is read by scanning the bytes; what is asked of it and what it answers is in receiver-protocol.ts.
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer, Behaviour, Order } from './receiver-protocol.ts';
import { createReceipts } from './receipts.ts';

/** Every so many-th body is parsed as a whole and its signature is recomputed; all are scanned. */
const checkedEvery = 64;
const slowMs = 300;
const dripMs = 1_000;

const receipts = createReceipts();
const behaviours: Behaviour[] = [];
const requests: number[] = [];
const servers: Server[] = [];
let secret = Buffer.alloc(0);
let bodies = 0;

function take(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const arrivedAtMs = performance.timeOrigin + performance.now();
    const [, , endpointText = '', tenantText = ''] = (request.url ?? '').split('/');
    const endpoint = Number(endpointText);
    const body = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
    requests[endpoint] = (requests[endpoint] ?? 0) + 1;
    bodies += 1;
    if (bodies % checkedEvery === 0) check(request, body);
    const toSeq = receipts.note(endpoint, Number(tenantText), body, arrivedAtMs);
    answer(endpoint, toSeq, response);
  });
}

function check(request: IncomingMessage, body: Buffer): void {
  const signed = `${String(request.headers['webhook-id'])}.${String(request.headers['webhook-timestamp'])}.`;
  const expected = createHmac('sha256', secret).update(signed).update(body).digest('base64');
  if (request.headers['webhook-signature'] !== `v1,${expected}`) receipts.problem('a signature is wrong');
  JSON.parse(body.toString());
}

function answer(endpoint: number, toSeq: number, response: ServerResponse): void {
  const accept = (): void => {
    receipts.acknowledge(endpoint, toSeq);
    response.writeHead(204).end();
  };
  switch (behaviours[endpoint] ?? 'fast') {
    case 'fast':
      return accept();
    case 'slow':
      return void setTimeout(accept, slowMs);
    case 'hang':
      return;
    case 'drip': {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), dripMs);
      response.on('close', () => clearInterval(timer));
      return;
    }
    case 'status_500':
      return void response.writeHead(500).end();
    case 'status_503':
      return void response.writeHead(503).end();
    case 'status_429':
      return void response.writeHead(429, { 'retry-after': '1' }).end();
    case 'reset':
      return void response.socket?.resetAndDestroy();
    case 'flip':
      return (requests[endpoint] ?? 0) % 2 === 0 ? accept() : void response.writeHead(500).end();
  }
}

async function open(origins: number): Promise<number[]> {
  const ports: number[] = [];
  for (let index = 0; index < origins; index += 1) {
    const server = createServer(take);
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    servers.push(server);
    ports.push((server.address() as AddressInfo).port);
  }
  return ports;
}

async function obey(order: Order): Promise<Answer> {
  switch (order.type) {
    case 'open':
      secret = Buffer.from(order.secretBase64, 'base64');
      return { type: 'opened', ports: await open(order.origins) };
    case 'behave':
      for (let endpoint = order.from; endpoint < order.to; endpoint += 1) behaviours[endpoint] = order.behaviour;
      return { type: 'done' };
    case 'counts':
      return { type: 'counts', ...receipts.counts(order.from, order.to), bodies };
    case 'requests':
      return { type: 'requests', requests: Array.from(requests, (count) => count ?? 0) };
    case 'dump':
      writeFileSync(order.file, receipts.bytes());
      return { type: 'done' };
  }
}

process.on('message', (order: Order) => {
  void obey(order).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit(0));
