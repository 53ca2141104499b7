import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface Load {
  readonly url: string;
  /** Whole requests, as bytes, taken in turn. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second over all connections; without it each connection sends as soon as it is answered. */
  readonly requestsPerSecond?: number;
}

export interface Loaded {
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Sends requests over kept connections, one at a time on each, with as little work as can be: the load must not be what is measured. A paced request's
 * time runs from when it was due, so that a slow answer counts for those that wait behind it.
 */
export async function sendLoad(load: Load): Promise<Loaded> {
  const { connections, seconds, requestsPerSecond } = load;
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  const spacingMs = requestsPerSecond === undefined ? 0 : (connections / requestsPerSecond) * 1_000;
  const times: number[] = [];
  let refused = 0;
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const line = await openLine(load.url);
      let dueMs = startedMs + (spacingMs * index) / connections;
      for (let n = index; performance.now() < endMs; n += connections) {
        const waitMs = dueMs - performance.now();
        if (spacingMs > 0 && waitMs > 0) await pause(waitMs);
        const beginMs = spacingMs > 0 ? dueMs : performance.now();
        const status = await line.send(load.requests[n % load.requests.length] ?? Buffer.alloc(0));
        times.push(performance.now() - beginMs);
        if (status !== 202) refused += 1;
        dueMs += spacingMs;
      }
      line.close();
    }),
  );
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return {
    accepted: times.length - refused,
    refused,
    seconds: (performance.now() - startedMs) / 1_000,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

interface Line {
  /** Gives the status of the answer. */
  send(request: Buffer): Promise<number>;
  close(): void;
}

function openLine(url: string): Promise<Line> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let answered: ((status: number) => void) | undefined;
    let failed: ((error: Error) => void) | undefined;
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = /content-length: (\d+)/i.exec(received.slice(0, headEnd))?.[1];
      if (received.length < headEnd + 4 + Number(length ?? 0)) return;
      const status = Number(received.slice(9, 12));
      received = '';
      answered?.(status);
    });
    socket.once('error', (error) => {
      reject(error);
      failed?.(error);
    });
    socket.once('close', () => failed?.(new Error('the server closed a connection')));
    socket.once('connect', () =>
      resolve({
        send: (request) =>
          new Promise((done, fail) => {
            answered = done;
            failed = fail;
            socket.write(request);
          }),
        close: () => {
          failed = undefined;
          socket.destroy();
        },
      }),
    );
  });
}
