import { auditEventAvro } from '@docket/schemas';
import type { AuditEvent, Metadata } from './audit-event.ts';
import { avroTypeOf, isSameLayout } from './avro/avro-types.ts';
import { createCanonicaliser } from './avro/canonical-body.ts';
import { encodeOwnBody } from './avro/encode-event.ts';

/** Our own schema as avsc reads it. */
export const auditEventType = avroTypeOf(auditEventAvro);

/** The Avro body of an event in our own schema, without the Confluent prefix. Throws when a field has a wrong type: a bug. */
export function encodeEvent(event: AuditEvent): Buffer {
  return encodeOwnBody(event);
}

/** How bodies of one writer schema are read. */
export interface EventCodec {
  /** Whether a body has the layout of our own schema, so that it can be taken as it is. */
  readonly isOwnLayout: boolean;
  /**
   * The body in our own schema and in its one canonical form; a view that is good until the next call. Throws an Error on
   * bytes that are no event, or more than one.
   */
  readonly canonicalise: (body: Buffer) => Buffer;
  /**
   * The event. Throws where `canonicalise` does: avsc alone takes damaged text, lengths and counts for what they are not.
   * Metadata is in ascending order of its keys, so that an event is the same whatever order its producer's map had.
   */
  readonly decode: (body: Buffer) => AuditEvent;
}

/**
 * Throws when `writerSchema` is none, does not resolve to ours (Avro 1.11 "Schema Resolution", as avsc does it), or counts its times
 * in another unit, which resolution does not look at.
 */
export function createEventCodec(writerSchema: unknown): EventCodec {
  const writerType = avroTypeOf(writerSchema);
  const unit = foreignUnitOf(writerSchema);
  if (unit !== undefined) throw new Error(`occurred_at is in ${unit}, not in micros`);
  // The registry's compatibility check, too, goes by names without their namespaces.
  const resolver = auditEventType.createResolver(writerType, { ignoreNamespaces: true });
  const canonicalise = createCanonicaliser(auditEventType, writerType);
  return {
    isOwnLayout: isSameLayout(auditEventType, writerType),
    canonicalise,
    decode(body) {
      canonicalise(body);
      return normalised(auditEventType.fromBuffer(body, resolver) as AuditEvent);
    },
  };
}

/** The unit of `occurred_at` when it is not ours. */
function foreignUnitOf(schema: unknown): string | undefined {
  const { fields = [] } = schema as { readonly fields?: readonly { readonly name: string; readonly type: unknown }[] };
  const type = JSON.stringify(fields.find(({ name }) => name === 'occurred_at')?.type ?? '');
  return /"logicalType":"(?:local-)?timestamp-(millis|nanos)"/.exec(type)?.[1];
}

/** `createEventCodec(writerSchema).decode`. */
export function createEventDecoder(writerSchema: unknown): (body: Buffer) => AuditEvent {
  return createEventCodec(writerSchema).decode;
}

/** The event of a body that is known to be one in our own layout and canonical form. */
export function readOwnBody(body: Buffer): AuditEvent {
  return normalised(auditEventType.fromBuffer(body) as AuditEvent);
}

function normalised(event: AuditEvent): AuditEvent {
  return {
    ...event,
    id: event.id.toLowerCase(),
    actor: { ...event.actor, metadata: inOrder(event.actor.metadata) },
    resources: event.resources.map((resource) => ({ ...resource, metadata: inOrder(resource.metadata) })),
    metadata: inOrder(event.metadata),
  };
}

function inOrder(metadata: Metadata): Metadata {
  const names = Object.keys(metadata);
  if (names.every((name, index) => index === 0 || name > (names[index - 1] ?? ''))) return metadata;
  return Object.fromEntries(names.sort().map((name) => [name, metadata[name] ?? '']));
}

const magicByte = 0;
/** Before the Avro body in the Confluent wire format. */
export const avroPrefixBytes = 5;

/** Confluent wire format: a zero byte, the schema id (big-endian, 4 bytes), the Avro body. */
export function frameAvro(schemaId: number, body: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(avroPrefixBytes + body.length);
  framed.writeUInt8(magicByte, 0);
  framed.writeUInt32BE(schemaId, 1);
  body.copy(framed, avroPrefixBytes);
  return framed;
}

/** The schema id of a framed value, read alone; undefined when it is not framed. */
export function schemaIdOf(value: Buffer): number | undefined {
  return value.length < avroPrefixBytes || value[0] !== magicByte ? undefined : value.readUInt32BE(1);
}

export type Unframed =
  | { readonly ok: true; readonly schemaId: number; readonly body: Buffer }
  | { readonly ok: false; readonly detail: string };

export function unframeAvro(value: Buffer): Unframed {
  if (value.length < avroPrefixBytes)
    return { ok: false, detail: `has ${value.length} bytes, too few for a framed Avro record` };
  if (value.readUInt8(0) !== magicByte)
    return { ok: false, detail: 'does not begin with the zero byte of the Confluent wire format' };
  return { ok: true, schemaId: value.readUInt32BE(1), body: value.subarray(avroPrefixBytes) };
}
