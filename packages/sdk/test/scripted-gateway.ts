import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** What the server does with one request. */
export type Behaviour =
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: unknown }
  | { kind: 'accept' }
  | { kind: 'accept_then_reset' }
  | { kind: 'reset' }
  | { kind: 'hang' };

/** A refusal as only the gateway writes it. */
export function problem(status: number, code: string, more: Readonly<Record<string, unknown>> = {}): Behaviour {
  return { kind: 'answer', status, body: { type: `urn:docket:error:${code}`, code, ...more } };
}

export interface ReceivedEvent {
  id: string;
  tenant_id: string;
  action: string;
  occurred_at: string;
  source: { service: string; instance: string; counter?: number };
  context: Record<string, string>;
  metadata: Record<string, unknown>;
  actor: { id: string };
  on_behalf_of?: { id: string };
}

export interface ReceivedRequest {
  atMs: number;
  headers: IncomingMessage['headers'];
  path: string;
  events: ReceivedEvent[];
}

export interface ScriptedGateway {
  url: string;
  requests: ReceivedRequest[];
  /** Ids that were acknowledged or taken before a reset, in order, repeats included. */
  taken: string[];
  close(): Promise<void>;
}

/** A real HTTP server on the loopback that behaves as `behaviourOf` says, by the number of the request (from 0). */
export async function startScriptedGateway(
  behaviourOf: (index: number, request: ReceivedRequest) => Behaviour,
  port = 0,
): Promise<ScriptedGateway> {
  const requests: ReceivedRequest[] = [];
  const taken: string[] = [];

  function respond(request: ReceivedRequest, response: ServerResponse): void {
    const behaviour = behaviourOf(requests.length - 1, request);
    if (behaviour.kind === 'hang') return;
    if (behaviour.kind === 'accept' || behaviour.kind === 'accept_then_reset') {
      taken.push(...request.events.map(({ id }) => id));
    }
    if (behaviour.kind === 'reset' || behaviour.kind === 'accept_then_reset') {
      response.socket?.resetAndDestroy();
      return;
    }
    const accepted = { results: request.events.map(({ id }) => ({ id, status: 'published' })) };
    const [status, headers, body] =
      behaviour.kind === 'accept' ? [202, {}, accepted] : [behaviour.status, behaviour.headers ?? {}, behaviour.body];
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body ?? {}));
  }

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body: { events: ReceivedEvent[] } = JSON.parse(textOf(incoming, Buffer.concat(chunks)));
      const request = {
        atMs: Date.now(),
        headers: incoming.headers,
        path: incoming.url ?? '',
        events: body.events,
      };
      requests.push(request);
      respond(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    taken,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function textOf({ headers }: IncomingMessage, body: Buffer): string {
  return (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
}
