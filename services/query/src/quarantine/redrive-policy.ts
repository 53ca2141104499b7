import {
  encodeEvent,
  eventBytesMax,
  idFromIdempotencyKey,
  isEventId,
  isPlainObject,
  isReserved,
  isStrayLog,
  nilId,
  parseEvent,
  redriveOfKey,
  rfc3339OfMillis,
  toWireEvent,
  type AuditEvent,
  type FieldError,
  type Reading as RecordReading,
} from '@docket/event';
import type { OperatorRecordRow } from './quarantine-sql-mapper.ts';

export interface RedriveRequest {
  readonly row: OperatorRecordRow;
  /** What the record's bytes are now, or null when they are no event. */
  readonly readable: AuditEvent | null;
  /** Why they are none. */
  readonly unreadable: string;
  /** The corrected event of the operator; undefined: the record as it is. */
  readonly given: unknown;
  readonly ingest: NonNullable<AuditEvent['ingest']>;
  /** ms since the epoch. */
  readonly nowMs: number;
}

export type Redrive =
  | {
      readonly ok: true;
      readonly event: AuditEvent;
      readonly body: Buffer;
      /** All ids that a redrive of this record may have had before; one of them is the event's. */
      readonly ids: readonly string[];
    }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/**
 * The event that a quarantined record becomes. The same record gives the same id each time, whoever mends it how often: its
 * own where it can be read, else one that is derived from its place. Without a time of its own it happened when it arrived first.
 */
export function redriveOf(request: RedriveRequest): Redrive {
  const { row, readable, unreadable, given, ingest, nowMs } = request;
  const input = given === undefined ? wireOf(readable) : given;
  if (input === null) {
    return failed('', `the record can not be read: ${unreadable}; send the corrected event in the body`);
  }
  if (!isPlainObject(input)) return failed('', 'must be an object');
  // Callers' keys count from 0.
  const derivedId = idFromIdempotencyKey(row.log, String(row.seq), -1);
  const ownId = [row.id, readable?.id ?? nilId].find((id) => isEventId(id));
  const id = ownId ?? derivedId;
  const { id: asked = id } = input;
  if (typeof asked !== 'string' || asked.toLowerCase() !== id)
    return failed('/id', `must be left out, or be ${id}: another one could double the event`);
  const { metadata = {} } = input;
  const parsed = parseEvent(
    {
      ...(isStrayLog(row.log) ? {} : { tenant_id: row.log }),
      occurred_at: rfc3339OfMillis(row.received_at_ms),
      ...input,
      id,
      metadata: isPlainObject(metadata) ? { ...metadata, ...markOf(row, input['tenant_id']) } : metadata,
    },
    nowMs,
    id,
  );
  if (!parsed.ok) return parsed;
  const event = { ...parsed.event, ingest };
  for (const name of ['tenant_id', 'action'] as const)
    if (isReserved(event[name])) return failed(`/${name}`, 'is reserved: docket. is our own');
  const body = encodeEvent(event);
  if (body.length > eventBytesMax) return failed('', `has ${body.length} bytes, at most ${eventBytesMax} are allowed`);
  return { ok: true, event, body, ids: [...new Set([id, derivedId])] };
}

/** A tenant learns the place of a record in its own log only (I5). */
function markOf({ log, seq }: OperatorRecordRow, tenantId: unknown): Readonly<Record<string, string>> {
  const isOwn = !isStrayLog(log) && (tenantId === undefined || tenantId === log);
  return { [redriveOfKey]: isOwn ? String(seq) : 'a record of another log' };
}

function wireOf(event: AuditEvent | null): Record<string, unknown> | null {
  return event === null ? null : { ...toWireEvent(event) };
}

function failed(pointer: string, detail: string): Redrive {
  return { ok: false, errors: [{ pointer, detail }] };
}

/** What the bytes of a record are now, as an event for whichever tenant they name. */
export function eventOfReading(
  reading: RecordReading,
): { readonly event: AuditEvent; readonly detail: '' } | { readonly event: null; readonly detail: string } {
  if (reading.kind === 'quarantined') return { event: null, detail: `${reading.reason}: ${reading.detail}` };
  return { event: reading.event, detail: '' };
}
