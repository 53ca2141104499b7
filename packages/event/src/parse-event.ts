import {
  aheadOfArrivalMsMax,
  aheadOfOwnClockMsMax,
  eventBytesMax,
  type AuditEvent,
  type Change,
  type EventInput,
  type Metadata,
  type Resource,
} from './audit-event.ts';
import { encodeEvent } from './avro-codec.ts';
import { canonicalJson } from './canonical-json.ts';
import { microsOfRfc3339 } from './occurred-at.ts';
import { toWireEvent } from './public-event.ts';
import { metadataText, validateEvent, validateStamp, type FieldError } from './validate-event.ts';

export type ParsedEvent =
  { readonly ok: true; readonly event: AuditEvent } | { readonly ok: false; readonly errors: readonly FieldError[] };

/**
 * The event that a wire JSON value means, or what is wrong with it.
 * @param arrivalMs ms since the epoch, by the caller's clock; bounds `occurred_at`, which stays null when it is missing.
 * @param fallbackId the id that an event without one takes.
 */
export function parseEvent(input: unknown, arrivalMs: number, fallbackId: string): ParsedEvent {
  const parsed = readEventFields(input, arrivalMs, fallbackId);
  if (!parsed.ok) return parsed;
  const bytes = encodeEvent(parsed.event).length;
  return bytes > eventBytesMax ? { ok: false, errors: [tooLarge(bytes)] } : parsed;
}

/** As `parseEvent`, for callers that encode the event themselves: they MUST then hold its body against `eventBytesMax`, by `tooLarge`. */
export function readEventFields(input: unknown, arrivalMs: number, fallbackId: string): ParsedEvent {
  const errors = validateEvent(input, arrivalMs, aheadOfOwnClockMsMax);
  if (errors.length > 0) return { ok: false, errors };
  return { ok: true, event: normalise(input as EventInput, fallbackId) };
}

/** The same limits for an event of the log, by the broker's clock; empty means valid. */
export function checkEvent(event: AuditEvent, arrivalMs: number, bodyBytes: number): readonly FieldError[] {
  if (bodyBytes > eventBytesMax) return [tooLarge(bodyBytes)];
  const wire = toWireEvent(event);
  if (wire === null) return [{ pointer: '/changes', detail: 'holds a value that is not JSON text' }];
  const errors = validateEvent(wire, arrivalMs, aheadOfArrivalMsMax);
  return event.ingest === null ? errors : [...errors, ...validateStamp(event.ingest)];
}

/** What is wrong with an event whose Avro body has more than `eventBytesMax` bytes. */
export function tooLarge(bytes: number): FieldError {
  return { pointer: '', detail: `has ${bytes} bytes encoded, at most ${eventBytesMax} are allowed` };
}

function normalise(input: EventInput, fallbackId: string): AuditEvent {
  const { context = {}, source = {} } = input;
  return {
    id: (input.id ?? fallbackId).toLowerCase(),
    tenant_id: input.tenant_id,
    occurred_at: input.occurred_at === undefined ? null : microsOfRfc3339(input.occurred_at),
    action: input.action,
    category: input.category ?? null,
    operation: input.operation ?? 'other',
    outcome: input.outcome ?? 'success',
    outcome_reason: input.outcome_reason ?? '',
    severity: input.severity ?? 'info',
    actor: normaliseResource(input.actor),
    on_behalf_of:
      input.on_behalf_of === undefined ? null : { ...input.on_behalf_of, name: input.on_behalf_of.name ?? '' },
    resources: (input.resources ?? []).map(normaliseResource),
    changes: (input.changes ?? []).map(normaliseChange),
    description: input.description ?? '',
    context: {
      ip: context.ip ?? '',
      user_agent: context.user_agent ?? '',
      country: context.country ?? '',
      session_id: context.session_id ?? '',
      request_id: context.request_id ?? '',
      trace_id: context.trace_id ?? '',
    },
    source: {
      service: source.service ?? '',
      version: source.version ?? '',
      instance: source.instance ?? '',
      counter: source.counter ?? 0,
    },
    metadata: normaliseMetadata(input.metadata),
    commitment_seed: null,
    ingest: null,
  };
}

function normaliseResource(input: EventInput['actor']): Resource {
  return { type: input.type, id: input.id, name: input.name ?? '', metadata: normaliseMetadata(input.metadata) };
}

function normaliseChange(input: NonNullable<EventInput['changes']>[number]): Change {
  return {
    path: input.path,
    old: input.old === undefined ? null : canonicalJson(input.old),
    new: input.new === undefined ? null : canonicalJson(input.new),
  };
}

function normaliseMetadata(input: EventInput['metadata'] = {}): Metadata {
  const texts: Record<string, string> = {};
  for (const name of Object.keys(input).sort()) {
    const text = metadataText(input[name]);
    if (typeof text === 'string') texts[name] = text;
  }
  return texts;
}
