import { DocketError } from './docket-error.ts';
import type { ErrorItem } from './docket-error.ts';
import { errorCatalogue } from './error-catalogue.ts';
import type { ErrorCode } from './error-catalogue.ts';
import type { ProblemExtensions } from './problem-schema.ts';

/** The answer to a failed request: RFC 9457, plus `code`, `request_id` and, where fields are wrong, `errors`. */
export interface ProblemDocument extends ProblemExtensions {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly request_id: string;
  readonly errors?: readonly ErrorItem[];
}

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly document: ProblemDocument;
}

export const problemMediaType = 'application/problem+json';

/** Callers that may retry wait at least this long, so that an outage is not met by a tight loop. */
const defaultRetryAfterSeconds = 2;

/**
 * Maps whatever was thrown to the one answer that callers see. What is not a DocketError is our bug, unless it is one of express's own
 * complaints about the request; its message stays in the log, because it may name anything.
 */
export function problemFromError(error: unknown, requestId: string): ProblemAnswer {
  const known = error instanceof DocketError ? error : fromExpress(error);
  const entry = errorCatalogue[known.code];
  const { extensions = {}, errors } = known;
  return {
    status: entry.httpStatus,
    headers: answerHeaders(known),
    document: {
      ...extensions,
      type: `urn:docket:error:${known.code}`,
      title: entry.title,
      status: entry.httpStatus,
      code: known.code,
      detail: known.message,
      request_id: requestId,
      ...(errors === undefined ? {} : { errors }),
    },
  };
}

function answerHeaders(error: DocketError): Record<string, string> {
  const headers: Record<string, string> = { ...error.headers };
  if (errorCatalogue[error.code].retry === 'later') {
    headers['Retry-After'] = String(error.retryAfterSeconds ?? defaultRetryAfterSeconds);
  }
  // RFC 9110 §11.6.1: a 401 must carry a challenge; RFC 6750 §3.1 names the scope error.
  if (error.code === 'unauthenticated') headers['WWW-Authenticate'] ??= 'Bearer realm="docket"';
  if (error.code === 'insufficient_scope') {
    headers['WWW-Authenticate'] ??= 'Bearer realm="docket", error="insufficient_scope"';
  }
  return headers;
}

function fromExpress(error: unknown): DocketError {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 400)
    return new DocketError('invalid_request', 'The request path or query is malformed.', { cause: error });
  return new DocketError('internal', 'The request failed for a reason that is ours.', { cause: error });
}
