import { eventually } from '@docket/testkit';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Where an exchange is held: before the server gets it, with half of its body sent, or with the server's answer in hand. */
export type HeldAt = 'request' | 'half body' | 'answer';

export interface Answer {
  readonly status: number;
  /** ClickHouse's own code; 0 when it gave none. */
  readonly code: number;
}

/** An exchange that is, or will be, held. */
export interface Held {
  /** Resolves when an exchange of that step is held there. */
  readonly reached: Promise<void>;
  /** Lets it go on; a request whose client has died meanwhile still goes to the server. */
  release(): void;
  /** What the server says to it, whether or not the client hears it. */
  readonly answered: Promise<Answer>;
}

const heldDeadlineMs = 60_000;

/** Resolves when an exchange is held; throws when none comes within a minute. */
export async function untilHeld(held: Held, what: string): Promise<void> {
  let isHeld = false;
  void held.reached.then(() => (isHeld = true));
  await eventually(() => isHeld, { what, deadlineMs: heldDeadlineMs, intervalMs: 5 });
}

export interface HttpProxy {
  readonly url: string;
  /** Holds the next exchange of this step; those after it pass. */
  hold(step: string, at: HeldAt): Held;
  /** Exchanges of a step that the proxy has and has not answered. */
  underWay(step: string): number;
  /** Bytes a second of every request's body from now on; undefined: as fast as they come. */
  throttle(bytesPerSecond: number | undefined): void;
  /** Sets these query parameters in every request from now on, over its own. */
  override(parameters: Readonly<Record<string, string>>): void;
  close(): Promise<void>;
}

interface Waiting {
  readonly step: string;
  readonly at: HeldAt;
  reach(): void;
  readonly released: Promise<void>;
  tell(answer: Answer): void;
}

const chunksPerSecond = 10;

/**
 * Stands between a service and a server of HTTP, knows each exchange by its step, and holds the one that a test names: so the phase in which
 * a process is killed is known and not guessed. A client that goes takes its exchange with it, as a cut connection would, unless it is held.
 */
export async function startHttpProxy(
  target: string,
  stepOf: (url: string, body: Buffer) => string,
): Promise<HttpProxy> {
  const { origin } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const waiting: Waiting[] = [];
  const counts = new Map<string, number>();
  let bytesPerSecond: number | undefined;
  let overridden: Readonly<Record<string, string>> = {};

  async function forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    const step = stepOf(incoming.url ?? '/', body);
    counts.set(step, (counts.get(step) ?? 0) + 1);
    try {
      const index = waiting.findIndex((one) => one.step === step);
      await exchange(incoming, outgoing, body, index < 0 ? undefined : waiting.splice(index, 1)[0]);
    } finally {
      counts.set(step, (counts.get(step) ?? 1) - 1);
    }
  }

  async function exchange(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    body: Buffer,
    held: Waiting | undefined,
  ): Promise<void> {
    const holdAt = async (at: HeldAt): Promise<void> => {
      if (held?.at !== at) return;
      held.reach();
      await held.released;
    };
    await holdAt('request');
    const url = new URL(incoming.url ?? '/', origin);
    for (const [name, value] of Object.entries(overridden)) url.searchParams.set(name, value);
    const { method = 'GET', headers } = incoming;
    const { 'transfer-encoding': _, connection: __, ...kept } = headers;
    const sent = request(url, { method, agent, headers: { ...kept, host: url.host, 'content-length': body.length } });
    if (held === undefined || held.at === 'half body')
      outgoing.once('close', () => outgoing.writableFinished || sent.destroy());
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
    });
    // Its failure is met where it is awaited.
    answer.catch(() => undefined);
    const half = held?.at === 'half body' ? body.length >> 1 : 0;
    if (half > 0) sent.write(body.subarray(0, half));
    await holdAt('half body');
    await send(body.subarray(half), sent);
    const response = await answer;
    const content = await bodyOf(response);
    const status = response.statusCode ?? 0;
    held?.tell({ status, code: Number(response.headers['x-clickhouse-exception-code'] ?? 0) });
    await holdAt('answer');
    if (outgoing.destroyed) return;
    const { 'transfer-encoding': ___, ...answered } = response.headers;
    outgoing.writeHead(status, { ...answered, 'content-length': content.length });
    outgoing.end(content);
  }

  async function send(body: Buffer, sent: ReturnType<typeof request>): Promise<void> {
    for (let from = 0; from < body.length && !sent.destroyed;) {
      const bytes = bytesPerSecond === undefined ? body.length - from : Math.ceil(bytesPerSecond / chunksPerSecond);
      sent.write(body.subarray(from, (from += bytes)));
      if (bytesPerSecond !== undefined) await pause(1000 / chunksPerSecond);
    }
    sent.end();
  }

  const server = createServer((incoming, outgoing) => {
    // The server is away, or the client is: either way the connection is cut.
    forward(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { pathname } = new URL(target);

  return {
    url: `http://127.0.0.1:${port}${pathname === '/' ? '' : pathname}`,
    hold(step, at) {
      let reach = (): void => undefined;
      let release = (): void => undefined;
      let tell: (answer: Answer) => void = () => undefined;
      const reached = new Promise<void>((resolve) => (reach = resolve));
      const released = new Promise<void>((resolve) => (release = resolve));
      const answered = new Promise<Answer>((resolve) => (tell = resolve));
      waiting.push({ step, at, reach, released, tell });
      return { reached, release, answered };
    },
    underWay: (step) => counts.get(step) ?? 0,
    throttle: (rate) => void (bytesPerSecond = rate),
    override: (parameters) => void (overridden = parameters),
    async close() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
