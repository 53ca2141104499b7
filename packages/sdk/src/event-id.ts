import { randomUUID } from 'node:crypto';

/** A new UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits. The id is what makes a retry harmless. */
export function newEventId(nowMs: number = Date.now()): string {
  const time = nowMs.toString(16).padStart(12, '0');
  // Node keeps random bytes ready for its UUIDs, and the variant is the same.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
