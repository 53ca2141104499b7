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
