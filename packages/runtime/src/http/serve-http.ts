import type { IncomingMessage, ServerResponse } from 'node:http';

import express from 'express';
import type { NextFunction, Request, Response } from 'express';
import type { Registry } from 'prom-client';

import type { App, HealthCheck } from '../app.ts';
import { DocketError } from '../errors/docket-error.ts';
import type { ErrorCode } from '../errors/error-catalogue.ts';
import { createLineAllowance } from '../line-allowance.ts';
import type { Logger } from '../logger.ts';
import { createNotFound } from './allowed-methods.ts';
import { createApiRouter } from './api-router.ts';
import type { ApiRouter, DirectRoute } from './api-router.ts';
import { createHttpMetrics } from './http-metrics.ts';
import type { HttpMetrics } from './http-metrics.ts';
import { listenHttp } from './http-server.ts';
import type { HttpServer } from './http-server.ts';
import { getLiveness, getMetrics, getReadiness } from './probe-endpoints.ts';
import { createErrorAnswer } from './problem-answer.ts';
import { elapsedSeconds, logNotesOf, openRequest, requestIdOf, routeLabelOf } from './request-context.ts';

export interface ServeHttpOptions {
  /** By service name. One app's checks keep their names on /readyz; those of several are prefixed `name.`. Routers are tried in this order. */
  readonly apps: Readonly<Record<string, App>>;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly port: number;
  readonly host: string;
  /** False while the apps start or stop: their routes then answer 503 not_ready. Default: always true. */
  readonly isStarted?: () => boolean;
}

/**
 * Serves apps over HTTP/1.1: request ids, /healthz (the process answers), /readyz (all apps ready, else 503; with the checks), /metrics, the apps'
 * routes, problem documents for every error, 404 and 405. Resolves when it listens, and logs `http.listening` with the port.
 */
export async function serveHttp(options: ServeHttpOptions): Promise<HttpServer> {
  const { apps, logger, metrics, isStarted = () => true } = options;
  const routers = Object.values(apps).map((app) => app.router.express);
  const observe = createObserver(createHttpMetrics(metrics), logger);
  const answerError = createErrorAnswer(logger);
  const requireStarted = (): void => {
    if (!isStarted()) throw new DocketError('not_ready', 'The service is starting or stopping.');
  };
  const web = express();
  web.disable('x-powered-by');
  web.disable('etag');
  web.set('query parser', 'simple');
  web.use((req, res, next) => {
    observe(req, res, () => routePatternOf(req));
    requireOneHost(req);
    next();
  });
  web.use(createProbes(apps, metrics, isStarted).express);
  web.use((_req, _res, next) => {
    requireStarted();
    next();
  });
  for (const router of routers) web.use(router);
  web.use(createNotFound(routers));
  web.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => answerError(res, error));

  const serveDirectly = async (
    { path, handler }: DirectRoute,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> => {
    observe(req, res, () => path);
    try {
      requireOneHost(req);
      requireStarted();
      await handler(req, res);
    } catch (error) {
      answerError(res, error);
    }
  };
  const direct = new Map(Object.values(apps).flatMap((app) => [...app.router.direct]));
  const listener = (req: IncomingMessage, res: ServerResponse): void => {
    const route = direct.get(`${req.method} ${req.url}`);
    if (route === undefined) web(req, res);
    else void serveDirectly(route, req, res);
  };
  const server = await listenHttp(listener, options.port, options.host);
  logger.info({ port: server.port, host: options.host }, 'http.listening');
  return server;
}

/** RFC 9112 §3.2: exactly one Host. Two are read differently by whoever stands in front. Throws invalid_request. */
function requireOneHost(req: IncomingMessage): void {
  const hosts = req.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts === 1 || (hosts === 0 && req.httpVersion === '1.0')) return;
  throw new DocketError('invalid_request', 'A request has exactly one Host.', {
    errors: [{ header: 'Host', detail: `is there ${hosts} times` }],
  });
}

function createProbes(apps: ServeHttpOptions['apps'], metrics: Registry, isStarted: () => boolean): ApiRouter {
  const probes = createApiRouter();
  probes.add(getLiveness, (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ status: 'alive' });
  });
  probes.add(getReadiness, (_req, res) => {
    const { ready, checks } = readinessOf(apps);
    const open = ready && isStarted();
    res
      .status(open ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json({ status: open ? 'ready' : 'not_ready', checks });
  });
  probes.add(getMetrics, async (_req, res) => {
    res.set('Content-Type', metrics.contentType).send(await metrics.metrics());
  });
  return probes;
}

/** All apps of a process as one: ready when all are. */
export function readinessOf(apps: ServeHttpOptions['apps']): { ready: boolean; checks: Record<string, HealthCheck> } {
  const entries = Object.entries(apps);
  const checks: Record<string, HealthCheck> = {};
  let ready = true;
  for (const [name, app] of entries) {
    const health = app.health();
    ready &&= health.ready;
    for (const [check, state] of Object.entries(health.checks)) {
      checks[entries.length === 1 ? check : `${name}.${check}`] = state;
    }
  }
  return { ready, checks };
}

/** Of each code, what somebody who looks for a request_id needs; a flood of one kind hides no other, and costs little. */
const refusalLinesPerSecond = 10;

/** A line for each answer: at info for 4xx and 5xx, so many a second of each code, with the number of those left out; else at debug. */
function createAnswerLog(logger: Logger) {
  const allowance = createLineAllowance<ErrorCode | number>(refusalLinesPerSecond);
  return (res: ServerResponse, fields: { method: string; route: string; duration_ms: number }): void => {
    const { keyId: key_id, code } = logNotesOf(res.req);
    const { statusCode: status } = res;
    const line = { request_id: requestIdOf(res), ...fields, status, code, key_id };
    const others = status < 400 ? undefined : allowance.take(code ?? status, performance.now());
    if (others === undefined) logger.debug(line, 'http.answered');
    else logger.info({ ...line, others }, 'http.answered');
  };
}

function createObserver(metrics: HttpMetrics, logger: Logger) {
  const logAnswer = createAnswerLog(logger);
  return (req: IncomingMessage, res: ServerResponse, routeOf: () => string): void => {
    openRequest(req, res);
    metrics.inFlight.inc();
    res.once('close', () => {
      metrics.inFlight.dec();
      const seconds = elapsedSeconds(res);
      const route = routeLabelOf(res) ?? routeOf();
      const method = req.method ?? '';
      const statusClass = res.writableFinished ? `${Math.floor(res.statusCode / 100)}xx` : 'aborted';
      metrics.observe({ method, route, statusClass, seconds });
      logAnswer(res, { method, route, duration_ms: Math.round(seconds * 1000) });
    });
  };
}

function routePatternOf(req: Request): string {
  const route: unknown = req.route;
  const path = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined;
  return typeof path === 'string' ? path : 'unmatched';
}
