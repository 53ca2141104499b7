import type { RequestHandler, Response } from 'express';

/** A browser asks again after this. */
const preflightSeconds = 600;
const answerHeaders = 'Content-Disposition, Docket-Export-Id, Link, Retry-After, X-Request-Id';
const requestHeaders = 'Authorization, Last-Event-ID, X-Request-Id';

export interface Cors {
  /** Before the handler of a route: its answers, errors included, may be read by pages of these origins. */
  readonly allow: RequestHandler;
  /** Takes back what `allow` has said: the answer will be another one's, who says it himself. */
  readonly withdraw: (res: Response) => void;
  /** Answers OPTIONS of such a route. */
  readonly preflight: RequestHandler;
}

/**
 * Lets pages of exactly these origins read with a viewer token (Fetch standard, CORS protocol). The token is a header that a page
 * has to set itself, so no cookie and no client certificate is ever allowed, and nobody else's page has one to send.
 */
export function createCors(origins: readonly string[]): Cors {
  const allowed = new Set(origins);
  const allow: RequestHandler = (req, res, next) => {
    res.vary('Origin');
    const origin = req.get('origin');
    if (origin !== undefined && allowed.has(origin)) {
      res.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': answerHeaders });
    }
    next();
  };
  const preflight: RequestHandler = (req, res) => {
    const origin = req.get('origin');
    if (origin !== undefined && allowed.has(origin)) {
      res.set({
        'Access-Control-Allow-Origin': origin,
        // POST: only /v1/exports takes it of a viewer token.
        'Access-Control-Allow-Methods': 'GET, HEAD, POST',
        'Access-Control-Allow-Headers': requestHeaders,
        'Access-Control-Max-Age': String(preflightSeconds),
      });
    }
    res.vary('Origin').status(204).end();
  };
  const withdraw: Cors['withdraw'] = (res) => {
    for (const name of ['Vary', 'Access-Control-Allow-Origin', 'Access-Control-Expose-Headers']) res.removeHeader(name);
  };
  return { allow, withdraw, preflight };
}
