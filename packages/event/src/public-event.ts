import type { AuditEvent, Change, EventInput, Metadata, Resource } from './audit-event.ts';
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
  const wire = toWireEvent({ ...event, occurred_at: event.occurred_at ?? stored.receivedAtMs * 1000 });
  if (wire === null) {
    throw new Error(`event ${event.id} holds a change that is not JSON text: it should have been quarantined`);
  }
  const { id = event.id, occurred_at = '', ...rest } = wire;
  return {
    id,
    seq: stored.seq,
    occurred_at,
    received_at: rfc3339OfMillis(stored.receivedAtMs),
    ...rest,
    ...(stored.status === 'accepted' ? {} : { status: stored.status }),
  };
}

/** The wire form of an event, absent fields left out; null when the text of a change is not JSON. */
export function toWireEvent(event: AuditEvent): EventInput | null {
  const changes = event.changes.map(wireChange);
  if (!changes.every((change) => change !== null)) return null;
  const { metadata, ...principal } = event.actor;
  return {
    id: event.id,
    tenant_id: event.tenant_id,
    ...(event.occurred_at === null ? {} : { occurred_at: rfc3339OfMicros(event.occurred_at) }),
    action: event.action,
    ...(event.category === null ? {} : { category: event.category }),
    ...present({
      operation: event.operation,
      outcome: event.outcome,
      outcome_reason: event.outcome_reason,
      severity: event.severity,
    }),
    actor: { ...named(principal), ...presentMetadata(metadata) },
    ...(event.on_behalf_of === null ? {} : { on_behalf_of: named(event.on_behalf_of) }),
    ...(event.resources.length === 0 ? {} : { resources: event.resources.map(wireResource) }),
    ...(changes.length === 0 ? {} : { changes }),
    ...present({ description: event.description }),
    ...presentObject('context', present(event.context)),
    ...presentObject('source', wireSource(event.source)),
    ...presentMetadata(event.metadata),
  };
}

function wireResource({ metadata, ...resource }: Resource): EventInput['actor'] {
  return { ...named(resource), ...presentMetadata(metadata) };
}

function wireSource({ counter, ...texts }: AuditEvent['source']): NonNullable<EventInput['source']> {
  return { ...present(texts), ...(counter === 0 ? {} : { counter }) };
}

function named(principal: { readonly type: string; readonly id: string; readonly name: string }) {
  const { type, id, name } = principal;
  return { type, id, ...present({ name }) };
}

function wireChange(change: Change): { path: string; old?: unknown; new?: unknown } | null {
  try {
    return {
      path: change.path,
      ...(change.old === null ? {} : { old: JSON.parse(change.old) as unknown }),
      ...(change.new === null ? {} : { new: JSON.parse(change.new) as unknown }),
    };
  } catch {
    return null;
  }
}

/** Own ones only: what avsc decodes inherits methods. */
function namesOf<T extends object>(texts: T): (keyof T)[] {
  return Object.keys(texts) as (keyof T)[];
}

/** The texts that are not empty. */
function present<T extends Readonly<Record<string, string>>>(texts: T): Partial<T> {
  const kept: Partial<T> = {};
  for (const name of namesOf(texts)) if (texts[name] !== '') kept[name] = texts[name];
  return kept;
}

function presentObject<K extends string, T extends object>(name: K, object: T): { [P in K]?: T } {
  return (Object.keys(object).length === 0 ? {} : { [name]: object }) as { [P in K]?: T };
}

function presentMetadata(metadata: Metadata): { metadata?: Record<string, string> } {
  return Object.keys(metadata).length === 0 ? {} : { metadata: { ...metadata } };
}
