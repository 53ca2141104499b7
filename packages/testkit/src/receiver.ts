import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

/** How a receiver answers. After `times` requests or `durationMs` (whichever is given) it answers ok again. */
export type Behaviour =
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly times?: number;
      readonly durationMs?: number;
    }
  /** 413 for a body of more bytes, otherwise ok. */
  | { readonly kind: 'body_limit'; readonly bytesMax: number }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang'; readonly times?: number; readonly durationMs?: number };

/** One request as it came. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly arrivedAtMs: number;
  /** Status that was answered; null while hanging. */
  readonly status: number | null;
  /** Verified by npm `standardwebhooks` against the receiver's secrets; `unchecked` when it has none. */
  readonly signature: 'valid' | 'invalid' | 'unchecked';
}

/** An HTTP receiver that shares no code with delivery: what arrived is recorded here byte for byte. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** Every request, oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** Those that were answered 2xx, oldest first: what the sender may take for delivered. */
  accepted(): ReceivedRequest[];
  /** Changes how it answers from the next request on. */
  answer(behaviour: Behaviour): void;
  /** Secrets (`whsec_…`) of which one must have signed a request. */
  expectSecrets(...secrets: string[]): void;
  /** Ends it at once, hanging requests too. */
  close(): Promise<void>;
}

export interface ReceiverOptions {
  readonly secrets?: readonly string[];
  readonly behaviour?: Behaviour;
  /** Default: a free one. A fixed port lets a test take a receiver away and bring it back. */
  readonly port?: number;
}

/** Starts a receiver on 127.0.0.1; every path takes requests. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  let secrets = options.secrets ?? [];
  let current = createBehaviour(options.behaviour ?? { kind: 'ok' });

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const arrivedAtMs = Date.now();
    const body = await readAll(request);
    const behaviour = answerTo(body, current());
    requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
      arrivedAtMs,
      status: behaviour.kind === 'hang' ? null : behaviour.kind === 'ok' ? 204 : behaviour.status,
      signature: verify(secrets, body, request.headers),
    });
    if (behaviour.kind === 'hang') return;
    if (behaviour.kind === 'ok') response.writeHead(204).end();
    else response.writeHead(behaviour.status, { ...behaviour.headers }).end(behaviour.body ?? '');
  };
  const server = createServer((request, response) => {
    // A sender that goes away in the middle has sent nothing.
    receive(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port');
  const { port } = address;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    accepted: () => requests.filter(({ status }) => status !== null && status >= 200 && status < 300),
    answer(behaviour) {
      current = createBehaviour(behaviour);
    },
    expectSecrets(...next) {
      secrets = next;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Answering = Exclude<Behaviour, { readonly kind: 'body_limit' }>;

function answerTo(body: Buffer, behaviour: Behaviour): Answering {
  if (behaviour.kind !== 'body_limit') return behaviour;
  return body.length > behaviour.bytesMax ? { kind: 'status', status: 413 } : { kind: 'ok' };
}

function createBehaviour(behaviour: Behaviour): () => Behaviour {
  if (behaviour.kind === 'ok' || behaviour.kind === 'body_limit') return () => behaviour;
  let timesLeft = behaviour.times ?? Number.POSITIVE_INFINITY;
  const endsAtMs = behaviour.durationMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + behaviour.durationMs;
  return () => {
    if (timesLeft <= 0 || Date.now() >= endsAtMs) return { kind: 'ok' };
    timesLeft -= 1;
    return behaviour;
  };
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function verify(secrets: readonly string[], body: Buffer, headers: IncomingHttpHeaders): ReceivedRequest['signature'] {
  if (secrets.length === 0) return 'unchecked';
  const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return secrets.some((secret) => isSignedBy(secret, body, flat)) ? 'valid' : 'invalid';
}

function isSignedBy(secret: string, body: Buffer, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}
