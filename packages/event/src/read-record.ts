import { eventBytesMax, type AuditEvent } from './audit-event.ts';
import { unframeAvro } from './avro-codec.ts';
import { isEventId, nilId } from './event-id.ts';
import { isReserved, isTenantId, logOf, strayLogOf } from './log-identity.ts';
import { checkEvent } from './parse-event.ts';
import type { RecordMac } from './record-mac.ts';
import { cutText } from './text-limits.ts';

/** A data record of audit.events as Kafka holds it. */
export interface LogRecord {
  readonly partition: number;
  /** Below 2^53. */
  readonly offset: number;
  /** ms since the epoch: the broker's append time. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | undefined>>;
}

/** Why a record became a quarantined row. */
export type QuarantineReason =
  | 'tombstone' // it has no value
  | 'undecodable' // no Confluent frame, or bytes that are not an event
  | 'unknown_schema' // its schema id is no version of the subject
  | 'invalid' // a field is outside its limits
  | 'key_mismatch' // its key is another tenant than its value's
  | 'reserved' // it claims a docket.* tenant or action, and is not Docket's own
  | 'unknown_mac_key' // it claims one, under a key that is not known here
  | 'rejected' // the gateway published it as refused (lenient handling)
  | 'refused'; // ClickHouse refused it

export type Reading =
  | { readonly kind: 'event'; readonly log: string; readonly event: AuditEvent; readonly schemaId: number }
  /** On a partition that is not its tenant's, but whole: to be published again under the key `tenantId`. */
  | {
      readonly kind: 'stray';
      readonly log: string;
      readonly tenantId: string;
      readonly event: AuditEvent;
      readonly schemaId: number;
    }
  | {
      readonly kind: 'quarantined';
      readonly log: string;
      readonly reason: QuarantineReason;
      /** For operators, at most 512 characters. */
      readonly detail: string;
      /** The event's id where it could be read, otherwise the nil UUID. */
      readonly id: string;
      readonly schemaId: number;
    };

/** The decoder of a schema id; undefined when the id is no version of audit.events-value. */
export type DecoderLookup = (schemaId: number) => ((body: Buffer) => AuditEvent) | undefined;

/** Names the header of a record that the gateway refused under lenient handling; its value is the reason. */
export const rejectHeader = 'docket-reject';

/**
 * A longer body is not decoded: Kafka limits what is compressed, and tens of MB of empty items would take GBs as objects; at this limit 100 MB. Eight
 * times what an event may have, and twice the brokers' default `message.max.bytes`: what is shorter keeps the reason and the id
 * that its row was stored with, which `docket verify` recomputes.
 */
export const decodedBytesMax = 8 * eventBytesMax;

/** All that a record's reading rests on beside the record. */
export interface ReadingRules {
  /** Of the topic. */
  readonly partitions: number;
  readonly decoderOf: DecoderLookup;
  /** Tells Docket's own docket.* events from others that claim to be. */
  readonly mac: RecordMac;
}

/**
 * What a record is, before duplicates are told apart: a pure function of the record, its writer schema and the MAC keys, so
 * that ingestor, delivery and verify agree (I2, I3).
 */
export function readRecord(record: LogRecord, { partitions, decoderOf, mac }: ReadingRules): Reading {
  const log = logOf(record.key, record.partition, partitions);
  const quarantined = (reason: QuarantineReason, detail: string, id = nilId, schemaId = 0): Reading => ({
    kind: 'quarantined',
    log,
    reason,
    detail: cutText(detail, 512),
    id,
    schemaId,
  });

  const rejected = record.headers[rejectHeader];
  if (rejected !== undefined) return quarantined('rejected', rejected.toString('utf8'));
  if (record.value === null) return quarantined('tombstone', 'the record has no value');
  const framed = unframeAvro(record.value);
  if (!framed.ok) return quarantined('undecodable', `the value ${framed.detail}`);
  const { schemaId, body } = framed;
  const decode = decoderOf(schemaId);
  if (decode === undefined)
    return quarantined('unknown_schema', `schema id ${schemaId} is no version of the subject`, nilId, schemaId);
  if (body.length > decodedBytesMax)
    return quarantined('invalid', `has ${body.length} bytes, too many to be decoded`, nilId, schemaId);
  const decoded = attempt(() => decode(body));
  if (!decoded.ok) return quarantined('undecodable', `schema id ${schemaId}: ${decoded.message}`, nilId, schemaId);

  const { event } = decoded;
  const id = isEventId(event.id) ? event.id : nilId;
  if (log === strayLogOf(record.partition) && isTenantId(event.tenant_id) && !isReserved(event.tenant_id)) {
    // Published again, it might be more than Kafka takes, and its partition would wait for ever.
    if (body.length > eventBytesMax)
      return quarantined('invalid', `has ${body.length} bytes, too many to be published again`, id, schemaId);
    return { kind: 'stray', log, tenantId: event.tenant_id, event: { ...event, id }, schemaId };
  }
  if (event.tenant_id !== log) {
    return quarantined(
      'key_mismatch',
      `the key's log is ${log}, the value's tenant_id ${event.tenant_id.slice(0, 128)}`,
      id,
      schemaId,
    );
  }
  if (isReserved(event.tenant_id) || isReserved(event.action)) {
    const verdict = mac.check(record);
    if (verdict.kind === 'unknown_key')
      return quarantined('unknown_mac_key', `it is signed with the key ${verdict.keyId}`, id, schemaId);
    if (verdict.kind !== 'valid') {
      const signature = verdict.kind === 'absent' ? 'no MAC' : 'a wrong MAC';
      const detail = `tenants and actions under docket. are reserved, and the record has ${signature}`;
      return quarantined('reserved', detail, id, schemaId);
    }
  }
  const [firstError] = checkEvent(event, record.timestampMs, body.length);
  if (firstError !== undefined)
    return quarantined('invalid', `${firstError.pointer} ${firstError.detail}`, id, schemaId);
  return { kind: 'event', log, event, schemaId };
}

function attempt(decode: () => AuditEvent): { ok: true; event: AuditEvent } | { ok: false; message: string } {
  try {
    return { ok: true, event: decode() };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
