import { errorCatalogue } from './error-catalogue.ts';
import type { ErrorCode, ErrorEntry } from './error-catalogue.ts';
import type { ProblemExtensions } from './problem-schema.ts';

/** One thing that is wrong with a request: in its body (JSON pointer, RFC 6901), its query string or its headers. */
export type ErrorItem =
  | { readonly pointer: string; readonly detail: string }
  /** `position` and `length` tell where in a parameter's value, in UTF-16 units from 1. */
  | { readonly parameter: string; readonly detail: string; readonly position?: number; readonly length?: number }
  | { readonly header: string; readonly detail: string };

export interface DocketErrorOptions {
  readonly errors?: readonly ErrorItem[];
  /** Overrides the default of codes that may be retried. Whole seconds. */
  readonly retryAfterSeconds?: number;
  /** Further answer headers, such as Allow. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the problem document, such as the ids that were used. */
  readonly extensions?: ProblemExtensions;
  readonly cause?: unknown;
}

/**
 * An error with a code of the catalogue. The message says what failed, with ids and without personal data, because it is shown to the caller
 * as `detail`; `cause` says why and goes to the log only.
 */
export class DocketError extends Error {
  override readonly name = 'DocketError';
  readonly code: ErrorCode;
  readonly errors: readonly ErrorItem[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly extensions: ProblemExtensions | undefined;

  constructor(code: ErrorCode, message: string, options: DocketErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options.errors;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers;
    this.extensions = options.extensions;
  }

  get entry(): ErrorEntry {
    return errorCatalogue[this.code];
  }
}
