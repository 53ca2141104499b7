import type { ServerResponse } from 'node:http';

import { DocketError } from '../errors/docket-error.ts';
import { errorCatalogue } from '../errors/error-catalogue.ts';
import type { ErrorCode } from '../errors/error-catalogue.ts';
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

/** An outage fails every request; a line for each would cost more than refusing it does. */
const outageLogMs = 1_000;

/**
 * The one place that turns errors into answers. Callers' errors are theirs; bugs are logged with their stack, outages with their cause, once a second
 * each, with the number of those that were not told.
 */
export function createErrorAnswer(logger: Logger): (res: ServerResponse, error: unknown) => void {
  const outages = new Map<ErrorCode, { toldAtMs: number; untold: number }>();

  const tellOutage = (code: ErrorCode, fields: { request_id: string; err: unknown }): void => {
    const nowMs = performance.now();
    const told = outages.get(code) ?? { toldAtMs: -Infinity, untold: 0 };
    outages.set(code, told);
    if (nowMs - told.toldAtMs < outageLogMs) {
      told.untold += 1;
      return;
    }
    logger.warn({ ...fields, code, others: told.untold }, 'http.unavailable');
    told.toldAtMs = nowMs;
    told.untold = 0;
  };

  return (res, error) => {
    const code = error instanceof DocketError ? error.code : problemFromError(error, '').document.code;
    const { audience } = errorCatalogue[code];
    const fields = { request_id: requestIdOf(res), err: error };
    if (audience === 'bug') logger.error(fields, 'http.failed');
    else if (audience === 'operator') tellOutage(code, fields);
    answerProblem(res, error);
  };
}
