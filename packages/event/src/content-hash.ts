import { createHash } from 'node:crypto';
import type { AuditEvent } from './audit-event.ts';
import { encodeEvent } from './avro-codec.ts';

/**
 * The first 64 bits of SHA-256 over what the producer said: the event without the gateway's stamp and the seed, which
 * differ between two deliveries of the same event. Unsigned.
 */
export function contentHashOf(event: AuditEvent): bigint {
  const content = encodeEvent({ ...event, commitment_seed: null, ingest: null });
  return createHash('sha256').update(content).digest().readBigUInt64BE(0);
}

/** 64 bits that stand for (log, id) in the duplicate window. Unsigned. */
export function identityHashOf(log: string, id: string): bigint {
  return createHash('sha256').update(log).update('\0').update(id).digest().readBigUInt64BE(0);
}
