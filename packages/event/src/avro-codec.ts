import { auditEventAvro } from '@docket/schemas';
import avro from 'avsc';
import type { AuditEvent } from './audit-event.ts';

const auditEventType = avro.Type.forSchema(auditEventAvro as unknown as avro.Schema);

/** The Avro body of an event in our own schema, without the Confluent prefix. Throws when a field has a wrong type: a bug. */
export function encodeEvent(event: AuditEvent): Buffer {
  return auditEventType.toBuffer(event);
}

/**
 * A decoder of bodies written with `writerSchema` (any schema that resolves to ours; Avro 1.11 "Schema Resolution").
 * Throws here when the schema does not resolve; the decoder throws on bytes that are no event, or more than one.
 */
export function createEventDecoder(writerSchema: unknown): (body: Buffer) => AuditEvent {
  const writerType = avro.Type.forSchema(writerSchema as avro.Schema);
  const resolver = auditEventType.createResolver(writerType);
  return (body) => {
    const event = auditEventType.fromBuffer(body, resolver) as AuditEvent;
    return { ...event, id: event.id.toLowerCase() };
  };
}

const magicByte = 0;
const prefixBytes = 5;

/** Confluent wire format: a zero byte, the schema id (big-endian, 4 bytes), the Avro body. */
export function frameAvro(schemaId: number, body: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + body.length);
  framed.writeUInt8(magicByte, 0);
  framed.writeUInt32BE(schemaId, 1);
  body.copy(framed, prefixBytes);
  return framed;
}

export type Unframed =
  | { readonly ok: true; readonly schemaId: number; readonly body: Buffer }
  | { readonly ok: false; readonly detail: string };

export function unframeAvro(value: Buffer): Unframed {
  if (value.length < prefixBytes)
    return { ok: false, detail: `has ${value.length} bytes, too few for a framed Avro record` };
  if (value.readUInt8(0) !== magicByte)
    return { ok: false, detail: 'does not begin with the zero byte of the Confluent wire format' };
  return { ok: true, schemaId: value.readUInt32BE(1), body: value.subarray(prefixBytes) };
}
