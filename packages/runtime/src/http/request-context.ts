import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode } from '../errors/error-catalogue.ts';

/** What the line of an answer says beside its route and its status. */
interface LogNotes {
  /** The key whose request it is; of a viewer token, the one that made it. */
  readonly keyId?: string;
  /** Of the problem that was answered. */
  readonly code?: ErrorCode;
}

interface RequestContext {
  readonly id: string;
  readonly startedNs: bigint;
  route: string | undefined;
}

/** Beside the response and not in it: express types `res.locals` as anything. */
const contexts = new WeakMap<ServerResponse, RequestContext>();

const noted = new WeakMap<IncomingMessage, LogNotes>();

/** A caller's own id is kept when it is short and harmless in a log line; ids are for finding things, not for trust. */
const acceptableRequestId = /^[A-Za-z0-9_.:/+=-]{1,128}$/;

/** Gives a request its id and its start; the id goes out as X-Request-Id, in every log line and in every problem document. */
export function openRequest(req: IncomingMessage, res: ServerResponse): void {
  const offered = req.headers['x-request-id'];
  const id = typeof offered === 'string' && acceptableRequestId.test(offered) ? offered : randomUUID();
  contexts.set(res, { id, startedNs: process.hrtime.bigint(), route: undefined });
  res.setHeader('X-Request-Id', id);
}

/** The request's id; also before `openRequest` and outside serveHttp something usable. */
export function requestIdOf(res: ServerResponse): string {
  return contexts.get(res)?.id ?? 'none';
}

export function elapsedSeconds(res: ServerResponse): number {
  const startedNs = contexts.get(res)?.startedNs;
  return startedNs === undefined ? 0 : Number(process.hrtime.bigint() - startedNs) / 1e9;
}

/** Names the route in metrics and logs where express has none, as behind a proxy. MUST be one of few values. */
export function setRouteLabel(res: ServerResponse, label: string): void {
  const context = contexts.get(res);
  if (context !== undefined) context.route = label;
}

export function routeLabelOf(res: ServerResponse): string | undefined {
  return contexts.get(res)?.route;
}

/** Adds to what the line of this request's answer says. */
export function noteForLog(req: IncomingMessage, notes: LogNotes): void {
  noted.set(req, { ...noted.get(req), ...notes });
}

export function logNotesOf(req: IncomingMessage): LogNotes {
  return noted.get(req) ?? {};
}

/** Aborts when the client goes away before the answer is complete: hand it to whatever works for this request. */
export function clientGone(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) controller.abort(new Error('The client went away.'));
  });
  return controller.signal;
}
