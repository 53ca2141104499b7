import type { ServerResponse } from 'node:http';

import type { ErrorRequestHandler } from 'express';

import { DocketError } from '../errors/docket-error.ts';
import { errorCatalogue } from '../errors/error-catalogue.ts';
import { problemFromError, problemMediaType } from '../errors/problem-mapper.ts';
import type { Logger } from '../logger.ts';
import { requestIdOf } from './request-context.ts';

/** Answers with the problem document of an error, unless an answer has begun: then the connection is destroyed, so that it is no clean end. */
export function answerProblem(res: ServerResponse, error: unknown): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const { status, headers, document } = problemFromError(error, requestIdOf(res));
  for (const name of res.getHeaderNames()) {
    // What a handler had prepared described another body.
    if (name.startsWith('content-') || name === 'etag') res.removeHeader(name);
  }
  res.statusCode = status;
  res.setHeader('Content-Type', problemMediaType);
  res.setHeader('Cache-Control', 'no-store');
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.end(JSON.stringify(document));
}

/** The one place that turns errors into answers. Callers' errors are theirs; bugs are logged with their stack, outages with their cause. */
export function createProblemHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _req, res, _next) => {
    const entry = errorCatalogue[problemFromError(error, '').document.code];
    const fields = { request_id: requestIdOf(res), err: error };
    if (entry.audience === 'bug') logger.error(fields, 'http.failed');
    else if (entry.audience === 'operator') logger.warn({ ...fields, code: codeOf(error) }, 'http.unavailable');
    answerProblem(res, error);
  };
}

function codeOf(error: unknown): string {
  return error instanceof DocketError ? error.code : 'internal';
}
