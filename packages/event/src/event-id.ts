import { v5, v7 } from 'uuid';

/** Names the namespace of ids derived from an Idempotency-Key (RFC 9562 §5.5). Never change it: retries would double. */
const idempotencyNamespace = '5b3b2a3e-5a6f-4f0e-9c53-0d6c1c6f7d11';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Stands for "no id could be read" in quarantined rows; no event may carry it. */
export const nilId = '00000000-0000-0000-0000-000000000000';

export function isEventId(text: string): boolean {
  return uuid.test(text) && text !== nilId;
}

/** A new UUIDv7: ordered by time, so that ids of one log lie near each other. */
export function newEventId(): string {
  return v7();
}

/** The id of the event at `index` of a request with this Idempotency-Key: the same on every retry. */
export function idFromIdempotencyKey(tenantId: string, key: string, index: number): string {
  return v5(JSON.stringify([tenantId, key, index]), idempotencyNamespace);
}
