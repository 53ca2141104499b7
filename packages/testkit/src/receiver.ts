import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
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
  /** Answers each request by what is in it. */
  | { readonly kind: 'reply'; readonly reply: (request: IncomingRequest) => Reply }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang'; readonly times?: number; readonly durationMs?: number };

/** One request as it came. */
export interface IncomingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly arrivedAtMs: number;
}

export interface Reply {
  readonly status: number;
  /** How long it takes to answer; default: nothing. */
  readonly afterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ReceivedRequest extends IncomingRequest {
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
  /** Secrets (`whsec_…`) of which one must have signed a request; those that came while there was none are checked, too: who subscribes learns the secret from the answer. */
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
  const requests: (Omit<ReceivedRequest, 'signature'> & { signature: ReceivedRequest['signature'] })[] = [];
  let secrets = options.secrets ?? [];
  let current = createBehaviour(options.behaviour ?? { kind: 'ok' });

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const arrivedAtMs = Date.now();
    const body = await readAll(request);
    const { method = '', url: path = '', headers } = request;
    const incoming = { method, path, headers, body, arrivedAtMs };
    const reply = replyOf(current(), incoming);
    requests.push({ ...incoming, status: reply?.status ?? null, signature: verify(secrets, body, headers) });
    if (reply === null) return;
    if (reply.afterMs !== undefined) await pause(reply.afterMs);
    response.writeHead(reply.status, { ...reply.headers }).end(reply.body ?? '');
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
      for (const request of requests) {
        if (request.signature === 'unchecked') request.signature = verify(secrets, request.body, request.headers);
      }
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** null: none, ever. */
function replyOf(behaviour: Behaviour, incoming: IncomingRequest): Reply | null {
  switch (behaviour.kind) {
    case 'ok':
      return { status: 204 };
    case 'status':
      return behaviour;
    case 'body_limit':
      return { status: incoming.body.length > behaviour.bytesMax ? 413 : 204 };
    case 'reply':
      return behaviour.reply(incoming);
    case 'hang':
      return null;
  }
}

function createBehaviour(behaviour: Behaviour): () => Behaviour {
  if (behaviour.kind === 'ok' || behaviour.kind === 'reply' || behaviour.kind === 'body_limit') return () => behaviour;
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
