import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A server that is not of HTTP: it does with a connection what it likes. */
export interface HostileServer {
  readonly port: number;
  /** Connections so far. */
  connections(): number;
  /** Those that are still open. */
  open(): number;
  close(): void;
}

export async function startHostileServer(
  onRequest: (socket: Socket, requestNumber: number) => void,
  options: { readonly pauseOnConnect?: boolean } = {},
): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let requests = 0;
  const server: Server = createServer(options, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    // A request of these tests fits into one read; the server does not care for its parts.
    socket.on('data', () => onRequest(socket, ++requests));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    open: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Writes a piece again and again until the other side has had enough. */
function pour(socket: Socket, piece: Buffer | string, everyMs = 0): void {
  const more = (): void => {
    if (socket.destroyed) return;
    socket.write(piece, () => (everyMs === 0 ? setImmediate(more) : void setTimeout(more, everyMs)));
  };
  more();
}

const ok = 'HTTP/1.1 200 OK\r\n';
export const earlyHint = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';
const mebibyte = 1024 * 1024;
/** Made before any server answers with it: that takes a while. */
const bomb = gzipSync(Buffer.alloc(64 * mebibyte), { level: 9 });

/** What hostile or broken servers answer with, by what it is. */
export const hostileAnswers: Readonly<Record<string, (socket: Socket) => void>> = {
  'a body that drips': (socket) => {
    socket.write(`${ok}transfer-encoding: chunked\r\n\r\n`);
    pour(socket, '1\r\nx\r\n', 20);
  },
  'headers that drip': (socket) => {
    socket.write(`${ok}x-long: `);
    pour(socket, 'x', 20);
  },
  'early hints without end': (socket) => pour(socket, earlyHint, 20),
  'early hints at once, without end': (socket) => pour(socket, earlyHint.repeat(1_000)),
  'headers of a mebibyte': (socket) => void socket.write(`${ok}x-huge: ${'x'.repeat(mebibyte)}\r\n\r\n`),
  'headers without end': (socket) => {
    socket.write(ok);
    pour(socket, `x-more: ${'x'.repeat(1_000)}\r\n`);
  },
  'a body without end': (socket) => {
    socket.write(`${ok}transfer-encoding: chunked\r\n\r\n`);
    pour(socket, `10000\r\n${'x'.repeat(65_536)}\r\n`);
  },
  'a compressed bomb': (socket) => {
    socket.write(`${ok}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`);
    socket.write(bomb);
  },
  'less than it announced': (socket) => void socket.end(`${ok}content-length: 100\r\n\r\nshort`),
  'another protocol': (socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
  'an upgrade that nobody asked for': (socket) =>
    void socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  'two lengths': (socket) => void socket.write(`${ok}content-length: 5\r\ncontent-length: 50\r\n\r\nhello`),
  'a length that is none': (socket) => void socket.write(`${ok}content-length: -1\r\n\r\n`),
  'nothing, and the connection closed': (socket) => void socket.end(),
  'nothing, and the connection reset': (socket) => void socket.resetAndDestroy(),
  'nothing, for ever': () => undefined,
};
