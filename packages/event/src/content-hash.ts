import xxhash from 'xxhash-wasm';
import type { AuditEvent } from './audit-event.ts';
import { auditEventType, encodeEvent } from './avro-codec.ts';
import { createCanonicaliser } from './avro/canonical-body.ts';

const hasher = await xxhash();

const canonicalise = createCanonicaliser(auditEventType, auditEventType);

/**
 * 64 bits over what the producer said, unsigned: xxh64 (seed 0) over the canonical Avro of the fields from `occurred_at` to
 * `metadata` (docs/decisions/0012). Without id and tenant_id, which are compared themselves; without the gateway's stamp
 * and the seed, which differ between two deliveries of one event. Stored rows hold it: the definition never changes.
 */
export function contentHashOf(event: AuditEvent): bigint {
  const body = canonicalise(encodeEvent({ ...event, commitment_seed: null, ingest: null }));
  const from = [event.id, event.tenant_id].reduce((at, text) => at + encodedTextBytes(text), 0);
  return hashOfContent(body, from, body.length - absentTailBytes);
}

/** The two null branches of commitment_seed and ingest. */
const absentTailBytes = 2;

function encodedTextBytes(text: string): number {
  const length = Buffer.byteLength(text);
  return length + (length < 64 ? 1 : length < 8192 ? 2 : 3);
}

/** The content hash of an event whose content lies in canonical form at these bytes. */
export function hashOfContent(bytes: Uint8Array, from: number, to: number): bigint {
  return hasher.h64Raw(bytes.subarray(from, to));
}
