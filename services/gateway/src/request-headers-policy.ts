import type { IncomingHttpHeaders } from 'node:http';

import { DocketError } from '@docket/runtime';

import { idempotencyKeyCharsMax } from './limits.ts';

/** Reads `Idempotency-Key`: 1 to 255 printable ASCII characters. Throws invalid_request. */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (header.length <= idempotencyKeyCharsMax && /^[\u0020-\u007e]+$/.test(header)) return header;
  const detail = `must be 1 to ${idempotencyKeyCharsMax} printable ASCII characters`;
  throw new DocketError('invalid_request', 'A header is invalid.', { errors: [{ header: 'Idempotency-Key', detail }] });
}

/** Reads `Prefer` (RFC 7240): whether bad events are set aside instead of refusing the request. What is not known is ignored, the first one counts. */
export function prefersLenient(header: string | undefined): boolean {
  for (const preference of (header ?? '').split(',')) {
    const [, handling] = /^\s*handling\s*=\s*"?(lenient|strict)"?\s*(?:;.*)?$/i.exec(preference) ?? [];
    if (handling !== undefined) return handling.toLowerCase() === 'lenient';
  }
  return false;
}

/** Methods whose body means nothing (RFC 9110 §9.3). */
const bodilessMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * I5: refuses a body where none belongs, before a request is passed on. The proxy library declares the body of a chunked DELETE or OPTIONS empty and
 * sends it all the same: upstream its bytes would be the beginning of the next request on that connection, with the next caller's credential.
 * Throws invalid_request.
 */
export function requireNoStrayBody(method: string, headers: IncomingHttpHeaders): void {
  if (!bodilessMethods.has(method)) return;
  const length = headers['content-length'];
  const isChunked = headers['transfer-encoding'] !== undefined;
  if (!isChunked && (length === undefined || /^0+$/.test(length))) return;
  throw new DocketError('invalid_request', `A ${method} request takes no body.`, {
    errors: [{ header: isChunked ? 'Transfer-Encoding' : 'Content-Length', detail: `must be absent in ${method}` }],
  });
}
