import type { Json } from './api-client.ts';
import { textOf } from './event-line-mapper.ts';

/** What a key is good for now, in a word for people, and since when it is not. */
export function keyStateOf(key: Json, nowMs: number): string {
  const { revoked_at: revokedAt, expires_at: expiresAt } = key;
  if (revokedAt !== undefined) return `revoked ${textOf(revokedAt)}`;
  if (expiresAt !== undefined && Date.parse(textOf(expiresAt)) <= nowMs) return `expired ${textOf(expiresAt)}`;
  return 'valid';
}
