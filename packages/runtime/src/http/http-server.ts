import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { DocketError } from '../errors/docket-error.ts';
import { problemFromError, problemMediaType } from '../errors/problem-mapper.ts';

/** Long enough for 5 MiB over a slow line, short enough that slow senders do not pile up. */
const requestTimeoutMs = 60_000;
const headersTimeoutMs = 10_000;
/** Above the 60 s idle time of common load balancers, so that they close first and never write into a closing socket. */
const keepAliveTimeoutMs = 65_000;
const headerBytesMax = 16_384;
/** How late a deadline may be noticed; node's own 30 s would triple the deadline of the headers. */
const deadlineCheckMs = 1_000;
/** After the answer to what is no HTTP, a peer gets so long to read it; one that goes on sending is cut off then. */
const lingerMs = 1_000;
const connectionsMax = 10_000;
/** I8: requests of one connection that wait for the one before them; whoever sends more has not read the answers for long, and is cut off. */
const pipelinedMax = 2_000;

export interface HttpServer {
  /** The port in use, also when 0 was asked for. */
  readonly port: number;
  readonly url: string;
  /** Stops accepting, lets requests under way finish for `deadlineMs`, then destroys what is left. Never rejects. */
  close(deadlineMs: number): Promise<void>;
}

/** Listens with limits on headers, time and connections. Rejects when the port cannot be had, saying what to do. */
export async function listenHttp(listener: RequestListener, port: number, host: string): Promise<HttpServer> {
  const server = createServer({
    requestTimeout: requestTimeoutMs,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    maxHeaderSize: headerBytesMax,
    connectionsCheckingInterval: deadlineCheckMs,
    // Asked for in serveHttp: node's own refusal has no body.
    requireHostHeader: false,
  });
  server.maxConnections = connectionsMax;
  const underWay = new Set<ServerResponse>();
  const lastAnswer = new WeakMap<Duplex, ServerResponse>();
  const inTurn = createTurns(listener);
  let closing = false;
  server.on('request', (req, res) => {
    underWay.add(res);
    const before = lastAnswer.get(req.socket);
    lastAnswer.set(req.socket, res);
    if (closing) res.setHeader('Connection', 'close');
    res.once('close', () => {
      underWay.delete(res);
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    inTurn(req, res, before);
  });
  // RFC 9110 §10.1.1: an expectation other than 100-continue may be ignored; node's own 417 has no body.
  server.on('checkExpectation', (req, res) => server.emit('request', req, res));
  server.on('connect', (_req, socket) => endWithProblem(socket, new DocketError('method_not_allowed', 'No tunnels.')));
  server.on('clientError', (error, socket) => answerClientError(error, socket, lastAnswer.get(socket)));
  await listening(server, port, host);
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;

  const close = async (deadlineMs: number): Promise<void> => {
    closing = true;
    for (const res of underWay) if (!res.headersSent) res.setHeader('Connection', 'close');
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeIdleConnections();
    const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs);
    await closed;
    clearTimeout(deadline);
  };
  return { port: actualPort, url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${actualPort}`, close };
}

/** I7: of one connection one request after the other, and others in between, though hundreds may have come in one packet. */
function createTurns(listener: RequestListener) {
  const waiting = new WeakMap<Duplex, number>();
  return (req: IncomingMessage, res: ServerResponse, before: ServerResponse | undefined): void => {
    const { socket } = req;
    const ahead = waiting.get(socket) ?? 0;
    if (before === undefined || before.closed) listener(req, res);
    else if (ahead >= pipelinedMax) socket.destroy();
    else {
      waiting.set(socket, ahead + 1);
      before.once('close', () => {
        waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
        setImmediate(() => {
          if (!socket.destroyed) listener(req, res);
          // Node tells the answer of its own turn alone that the connection is gone: those behind it have to hear of it, too.
          else if (!res.closed) res.emit('close');
        });
      });
    }
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const taken = 'code' in cause && cause.code === 'EADDRINUSE';
      const why = taken
        ? 'is taken: stop the other process or set HTTP_PORT'
        : 'cannot be used: check HTTP_HOST and HTTP_PORT';
      reject(new Error(`Port ${port} on ${host} ${why}.`, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}

/** What node's parser refuses never reaches express, and still gets an answer of the usual form where one can be written. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex, answer: ServerResponse | undefined): void {
  // What follows a last request is nobody's: the answer to that one comes, and ends the connection.
  if (error.code === 'HPE_CLOSED_CONNECTION' && answer !== undefined && !answer.writableFinished) return;
  const answerHasBegun = answer !== undefined && answer.headersSent && !answer.writableFinished;
  if (error.code === 'ECONNRESET' || error.code === 'HPE_CLOSED_CONNECTION' || !socket.writable || answerHasBegun) {
    socket.destroy();
    return;
  }
  endWithProblem(socket, clientError(error));
}

/** Writes an answer onto a bare connection and ends it. */
function endWithProblem(socket: Duplex, error: DocketError): void {
  const { status, headers, document } = problemFromError(error, 'none');
  const body = JSON.stringify(document);
  const head = [
    `HTTP/1.1 ${status} ${document.title}`,
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // I8: the peer's half stays open as long as the peer likes. At once would be a reset that may overtake the answer.
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

function clientError(error: NodeJS.ErrnoException): DocketError {
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return new DocketError('headers_too_large', 'The headers are larger than 16 KiB.');
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new DocketError('request_timeout', 'The request did not arrive within 60 s.');
  return new DocketError('invalid_request', 'The request is not HTTP/1.1.');
}
