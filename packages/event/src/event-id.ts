import { randomFillSync } from 'node:crypto';
import { v5 } from 'uuid';

/** Names the namespace of ids derived from an Idempotency-Key (RFC 9562 §5.5). Never change it: retries would double. */
const idempotencyNamespace = '5b3b2a3e-5a6f-4f0e-9c53-0d6c1c6f7d11';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Stands for "no id could be read" in quarantined rows; no event may carry it. */
export const nilId = '00000000-0000-0000-0000-000000000000';

export function isEventId(text: string): boolean {
  return uuid.test(text) && text !== nilId;
}

/** Random bytes are asked for so many ids at a time: each asking costs more than an id. */
const randomBytes = new Uint8Array(10 * 512);
let randomAt = randomBytes.length;
/** The time and the running number of the last id: within one millisecond the number counts on (RFC 9562 §6.2, method 1). */
let lastMs = 0;
let lastNumber = 0;
const numberMax = 0xfff;

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A new UUIDv7: ordered by time, so that ids of one log lie near each other, and in one process each after the one before. */
export function newEventId(): string {
  if (randomAt >= randomBytes.length) {
    randomFillSync(randomBytes);
    randomAt = 0;
  }
  const at = randomAt;
  randomAt += 10;
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // From a random place in the lower half, so that a millisecond has room for 2,048 ids at least.
    lastNumber = ((byteAt(at) << 8) | byteAt(at + 1)) & 0x7ff;
  } else if (lastNumber < numberMax) lastNumber += 1;
  else {
    lastMs += 1;
    lastNumber = 0;
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const number = lastNumber.toString(16).padStart(3, '0');
  const variant = hexOf[(byteAt(at + 2) & 0x3f) | 0x80] ?? '';
  const tail = hexAt(at + 4) + hexAt(at + 5) + hexAt(at + 6) + hexAt(at + 7) + hexAt(at + 8) + hexAt(at + 9);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${number}-${variant}${hexAt(at + 3)}-${tail}`;
}

const byteAt = (at: number): number => randomBytes[at] ?? 0;
const hexAt = (at: number): string => hexOf[byteAt(at)] ?? '';

/** The id of the event at `index` of a request with this Idempotency-Key: the same on every retry. */
export function idFromIdempotencyKey(tenantId: string, key: string, index: number): string {
  return v5(JSON.stringify([tenantId, key, index]), idempotencyNamespace);
}
