import { Agent as HttpAgent, ServerResponse } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

import { answerProblem, createBudget, DocketError, receivedFrom, requestIdOf, setRouteLabel } from '@docket/runtime';
import type { BudgetRefusal, Logger } from '@docket/runtime';
import type { Request, RequestHandler, Response } from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';

import type { GatewayMetrics } from '../metrics.ts';
import { requireNoStrayBody } from '../request-headers-policy.ts';
import { upstreamSilenceMsMax } from '../upstream-silence-policy.ts';

/** I8: requests under way to one upstream; more are 503 overloaded. Long polls, streams and bodies that come slowly hold theirs for a minute and more. */
const usualRequestsMax = 1_000;
/** Below the keep-alive of our own servers (65 s), so that a connection is never reused while it is being closed. */
const idleMs = 30_000;

export type Upstream = 'query' | 'admin' | 'delivery';

export interface UpstreamProxy {
  readonly handler: RequestHandler;
  /** Ends event streams: cut between two messages or within one, their readers come back and miss nothing. */
  drain(): void;
  /** Closes idle connections. */
  stop(): void;
}

/**
 * Passes requests on to one of our services: streaming both ways, its answers untouched, problem documents included. A client that goes away ends the
 * request upstream; an upstream that dies within an answer ends the client's connection, so that half an answer is no clean end.
 */
export function createUpstreamProxy(
  name: Upstream,
  target: string,
  ports: {
    readonly logger: Logger;
    readonly metrics: GatewayMetrics;
    readonly trustedProxyHops: number;
    /** How long it may be silent within a request to a path; default: `upstreamSilenceMsMax`. */
    readonly silenceMsMax?: (path: string) => number;
    readonly requestsMax?: number;
    /** Before its answer is passed on: the headers that the response then has are the gateway's. */
    readonly onAnswer?: (res: Response) => void;
  },
): UpstreamProxy {
  const { silenceMsMax = upstreamSilenceMsMax, requestsMax = usualRequestsMax } = ports;
  const agentOptions = { keepAlive: true, timeout: idleMs, maxSockets: requestsMax };
  const agent = target.startsWith('https:') ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  const places = createBudget(requestsMax, 1);
  const eventStreams = new Set<() => void>();

  const proxy = createProxyMiddleware<Request, Response>({
    target,
    agent,
    changeOrigin: true,
    on: {
      proxyReq: (proxyReq, req, res) => {
        proxyReq.setTimeout(silenceMsMax(req.path), () => proxyReq.destroy());
        if (!proxyReq.headersSent) {
          proxyReq.setHeader('X-Request-Id', requestIdOf(res));
          // One address that can be believed, in place of a chain that begins with what the client says.
          const { remoteAddress } = req.socket;
          const client = receivedFrom(remoteAddress, req.get('x-forwarded-for'), ports.trustedProxyHops);
          proxyReq.setHeader('X-Forwarded-For', client);
        }
        // http-proxy hears of a client that left only while the request's body is still coming.
        if (res.destroyed) proxyReq.destroy();
        res.once('close', () => {
          if (res.writableFinished && req.complete) return;
          // An answer may not have waited for the body, as a refusal does; what is still to come of that would hold a connection.
          proxyReq.destroy();
          req.resume();
        });
      },
      proxyRes: (proxyRes, _req, res) => {
        ports.onAnswer?.(res);
        let isEnded = false;
        proxyRes.once('close', () => {
          if (!proxyRes.complete && !isEnded) res.destroy();
        });
        if (!/^text\/event-stream\b/.test(proxyRes.headers['content-type'] ?? '')) return;
        const end = (): void => {
          isEnded = true;
          proxyRes.unpipe(res);
          res.end();
          proxyRes.destroy();
        };
        eventStreams.add(end);
        res.once('close', () => eventStreams.delete(end));
      },
      error: (error, _req, res) => {
        if (!(res instanceof ServerResponse) || res.destroyed) return;
        ports.metrics.upstreamFailed(name);
        ports.logger.warn({ request_id: requestIdOf(res), upstream: name, err: error }, 'upstream.failed');
        answerProblem(res, new DocketError('upstream_unavailable', `The ${name} service did not answer.`));
      },
    },
  });

  return {
    handler: async (req, res, next) => {
      requireNoStrayBody(req.method, req.headers);
      // Node has answered it, and http-proxy emits no `proxyReq` for a request that has it: what the client says of itself would be believed.
      delete req.headers.expect;
      const place = places.take([callerOf(req)], 1);
      if (!place.ok) throw refusedFor(name, place.reason);
      res.once('close', () => place.lease.release());
      setRouteLabel(res, `proxy:${name}`);
      await proxy(req, res, next);
    },
    drain: () => {
      for (const end of eventStreams) end();
    },
    stop: () => agent.destroy(),
  };
}

/**
 * I7: whose share a request counts for. What a credential is good for, the upstream says; one that is good for nothing is refused by it at once and holds
 * no place.
 */
function callerOf(req: Request): string {
  return req.get('authorization') ?? `from ${req.socket.remoteAddress ?? 'nowhere'}`;
}

function refusedFor(name: Upstream, reason: BudgetRefusal): DocketError {
  const after = { retryAfterSeconds: 1 };
  if (reason === 'all_taken')
    return new DocketError('overloaded', `Too many requests to the ${name} service are under way.`, after);
  return new DocketError(
    'rate_limited',
    `Too many requests of this caller to the ${name} service are under way.`,
    after,
  );
}
