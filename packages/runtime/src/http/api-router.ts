import type { IncomingMessage, ServerResponse } from 'node:http';

import { Router } from 'express';
import type { RequestHandler } from 'express';

import type { Endpoint } from './endpoint.ts';

/** Answers a request by itself, or rejects. */
export type DirectHandler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

export interface DirectRoute {
  readonly path: string;
  readonly handler: DirectHandler;
}

/** The routes of an app. There is no way to serve a path that is not declared. */
export interface ApiRouter {
  readonly endpoints: readonly Endpoint[];
  /** Serves an endpoint, after the middleware that was added before it. */
  add(endpoint: Endpoint, ...handlers: readonly RequestHandler[]): void;
  /**
   * Serves an endpoint that express's own part of a request would cost more than its work does: a request for exactly its path reaches it before express,
   * and passes no middleware.
   */
  addDirect(endpoint: Endpoint, handler: DirectHandler): void;
  /** By method and path. For `serveHttp` only. */
  readonly direct: ReadonlyMap<string, DirectRoute>;
  /** Answers OPTIONS of a declared path, for CORS alone: it is no endpoint of its own. */
  addPreflight(path: string, handler: RequestHandler): void;
  /** Middleware for what is added later and, for paths that are not served here, for everything. */
  use(handler: RequestHandler): void;
  /** For `serveHttp` only. */
  readonly express: Router;
}

export function createApiRouter(): ApiRouter {
  const express = Router();
  const endpoints: Endpoint[] = [];
  const direct = new Map<string, DirectRoute>();
  return {
    endpoints,
    express,
    direct,
    addDirect: (endpoint, handler) => {
      const { method, path } = endpoint;
      endpoints.push(endpoint);
      direct.set(`${method.toUpperCase()} ${path}`, { path, handler });
      // Of the same path written otherwise, such as with a query.
      express[method](path, handler);
    },
    add: (endpoint, ...handlers) => {
      endpoints.push(endpoint);
      express[endpoint.method](endpoint.path, ...handlers);
    },
    addPreflight: (path, handler) => void express.options(path, handler),
    use: (handler) => void express.use(handler),
  };
}
