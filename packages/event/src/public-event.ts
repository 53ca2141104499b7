import type { AuditEvent, Change, EventInput, Resource } from './audit-event.ts';
import { rfc3339OfMicros, rfc3339OfMillis } from './occurred-at.ts';

/** What became of a record: the statuses of a row. */
export const eventStatuses = ['accepted', 'duplicate', 'conflict', 'quarantined', 'rerouted', 'lost'] as const;
export type EventStatus = (typeof eventStatuses)[number];

/** What the API and the sinks show: the event as on the wire, with its place in the log. Absent fields are left out. */
export interface PublicEvent extends EventInput {
  id: string;
  /** Position in the tenant's log, from 1. */
  seq: number;
  occurred_at: string;
  /** RFC 3339: the broker's append time. */
  received_at: string;
  /** Left out when the event is accepted. */
  status?: Exclude<EventStatus, 'accepted'>;
}

export interface StoredAs {
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly status: EventStatus;
}

export function toPublicEvent(event: AuditEvent, stored: StoredAs): PublicEvent {
  const shown: Draft & Pick<PublicEvent, 'id' | 'seq' | 'occurred_at' | 'received_at'> = {
    id: event.id,
    seq: stored.seq,
    occurred_at: rfc3339OfMicros(event.occurred_at ?? stored.receivedAtMs * 1000),
    received_at: rfc3339OfMillis(stored.receivedAtMs),
    tenant_id: event.tenant_id,
  };
  if (!fill(shown, event)) {
    throw new Error(`event ${event.id} holds a change that is not JSON text: it should have been quarantined`);
  }
  if (stored.status !== 'accepted') shown.status = stored.status;
  return shown;
}

/** The wire form of an event, absent fields left out; null when the text of a change is not JSON. */
export function toWireEvent(event: AuditEvent): EventInput | null {
  const wire: Draft & Pick<EventInput, 'id' | 'tenant_id' | 'occurred_at'> = {
    id: event.id,
    tenant_id: event.tenant_id,
  };
  if (event.occurred_at !== null) wire.occurred_at = rfc3339OfMicros(event.occurred_at);
  return fill(wire, event) ? wire : null;
}

/** The members of an event, of which some are there. */
type Draft = Partial<PublicEvent>;

/**
 * Adds all members behind the times, in their order; false when the text of a change is not JSON. One by one and without spreads on purpose, here and
 * below: V8 keeps an object that was copied together in dictionary form, and to make and to write it costs several times as much.
 */
function fill(wire: Draft, event: AuditEvent): wire is Draft & EventInput {
  const changes = event.changes.map(wireChange);
  if (!changes.every((change) => change !== null)) return false;
  wire.action = event.action;
  if (event.category !== null) wire.category = event.category;
  // A record that holds no event leaves these empty.
  if (event.operation.length > 0) wire.operation = event.operation;
  if (event.outcome.length > 0) wire.outcome = event.outcome;
  if (event.outcome_reason !== '') wire.outcome_reason = event.outcome_reason;
  if (event.severity.length > 0) wire.severity = event.severity;
  wire.actor = wireResource(event.actor);
  if (event.on_behalf_of !== null) wire.on_behalf_of = named(event.on_behalf_of);
  if (event.resources.length > 0) wire.resources = event.resources.map(wireResource);
  if (changes.length > 0) wire.changes = changes;
  if (event.description !== '') wire.description = event.description;
  const context = wireContext(event.context);
  if (hasMembers(context)) wire.context = context;
  const source = wireSource(event.source);
  if (hasMembers(source)) wire.source = source;
  if (hasMembers(event.metadata)) wire.metadata = { ...event.metadata };
  return true;
}

type Principal = EventInput['actor'];

function wireResource(resource: Resource): Principal {
  const wire: Principal = named(resource);
  if (hasMembers(resource.metadata)) wire.metadata = { ...resource.metadata };
  return wire;
}

function named({ type, id, name }: { readonly type: string; readonly id: string; readonly name: string }) {
  return name === '' ? { type, id } : { type, id, name };
}

function wireContext(context: AuditEvent['context']): NonNullable<EventInput['context']> {
  const wire: NonNullable<EventInput['context']> = {};
  if (context.ip !== '') wire.ip = context.ip;
  if (context.user_agent !== '') wire.user_agent = context.user_agent;
  if (context.country !== '') wire.country = context.country;
  if (context.session_id !== '') wire.session_id = context.session_id;
  if (context.request_id !== '') wire.request_id = context.request_id;
  if (context.trace_id !== '') wire.trace_id = context.trace_id;
  return wire;
}

function wireSource(source: AuditEvent['source']): NonNullable<EventInput['source']> {
  const wire: NonNullable<EventInput['source']> = {};
  if (source.service !== '') wire.service = source.service;
  if (source.version !== '') wire.version = source.version;
  if (source.instance !== '') wire.instance = source.instance;
  if (source.counter !== 0) wire.counter = source.counter;
  return wire;
}

function wireChange(change: Change): { path: string; old?: unknown; new?: unknown } | null {
  const wire: { path: string; old?: unknown; new?: unknown } = { path: change.path };
  try {
    if (change.old !== null) wire.old = JSON.parse(change.old) as unknown;
    if (change.new !== null) wire.new = JSON.parse(change.new) as unknown;
  } catch {
    return null;
  }
  return wire;
}

function hasMembers(object: object): boolean {
  return Object.keys(object).length > 0;
}
