import type { ServerResponse } from 'node:http';

import { DocketError } from '../errors/docket-error.ts';
import { errorCatalogue } from '../errors/error-catalogue.ts';
import type { ErrorCode } from '../errors/error-catalogue.ts';
import { problemFromError, problemMediaType } from '../errors/problem-mapper.ts';
import { createLineAllowance } from '../line-allowance.ts';
import type { Logger } from '../logger.ts';
import { noteForLog, requestIdOf } from './request-context.ts';

/** Answers with the problem document of an error, unless an answer has begun: then the connection is destroyed, so that it is no clean end. */
export function answerProblem(res: ServerResponse, error: unknown): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const { status, headers, document } = problemFromError(error, requestIdOf(res));
  noteForLog(res.req, { code: document.code });
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

/**
 * The one place that turns errors into answers. Callers' errors are theirs; bugs are logged with their stack, outages with their cause, once a second
 * each, with the number of those that were not told.
 */
export function createErrorAnswer(logger: Logger): (res: ServerResponse, error: unknown) => void {
  // An outage fails every request; a line for each would cost more than refusing it does.
  const outages = createLineAllowance<ErrorCode>(1);

  const tellOutage = (code: ErrorCode, fields: { request_id: string; err: unknown }): void => {
    const others = outages.take(code, performance.now());
    if (others !== undefined) logger.warn({ ...fields, code, others }, 'http.unavailable');
  };

  return (res, error) => {
    const code = error instanceof DocketError ? error.code : problemFromError(error, '').document.code;
    const { audience } = errorCatalogue[code];
    const fields = { request_id: requestIdOf(res), err: error };
    if (audience === 'bug') logger.error({ ...fields, code }, 'http.failed');
    else if (audience === 'operator') tellOutage(code, fields);
    answerProblem(res, error);
  };
}
