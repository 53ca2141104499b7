import { Router } from 'express';
import type { RequestHandler } from 'express';

import type { Endpoint } from './endpoint.ts';

/** The routes of an app. There is no way to serve a path that is not declared. */
export interface ApiRouter {
  readonly endpoints: readonly Endpoint[];
  /** Serves an endpoint, after the middleware that was added before it. */
  add(endpoint: Endpoint, ...handlers: readonly RequestHandler[]): void;
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
  return {
    endpoints,
    express,
    add: (endpoint, ...handlers) => {
      endpoints.push(endpoint);
      express[endpoint.method](endpoint.path, ...handlers);
    },
    addPreflight: (path, handler) => void express.options(path, handler),
    use: (handler) => void express.use(handler),
  };
}
