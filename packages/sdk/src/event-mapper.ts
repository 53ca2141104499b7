import { type AuditContext, mergedContext } from './audit-context.ts';
import type { EventInput, Source, WireEvent } from './event-input.ts';

/** What the SDK adds to an event when it is recorded; `source` follows when it is kept. */
export interface Stamp {
  id: string;
  nowMs: number;
  tenantId: string | undefined;
}

/** An event as it is sent, but for its source: one that JavaScript hands in would be a second one beside that of the spool. */
export type UnsourcedEvent = Omit<WireEvent, 'source'> & { readonly source: undefined };

export type Mapped = { ok: true; event: UnsourcedEvent } | { ok: false; detail: string };

/** Of a tenant's id such as a number or an ObjectId: what waits is counted by it, and what is sent has only its text. */
export const noTenantId = 'no string: give its text, such as String(id)';

/** The log that an event is for, by precedence: its own field, the audit context, the default of `createDocket`. */
export function tenantOf(input: EventInput, ambient: AuditContext, fallback: string | undefined): string | undefined {
  return input.tenant_id ?? ambient.tenantId ?? fallback;
}

/**
 * The event as it is sent. Checks only what cannot be sent without (tenant, actor, action): the gateway checks the
 * rest, with one answer for every language.
 */
export function toWireEvent(input: EventInput, ambient: AuditContext, stamp: Stamp): Mapped {
  const tenantId = stamp.tenantId;
  const actor = input.actor ?? ambient.actor;
  if (typeof input.action !== 'string' || input.action === '') return { ok: false, detail: 'action is missing' };
  if ((tenantId ?? '') === '') {
    return { ok: false, detail: `tenant_id is missing for ${input.action}: give it, or set it in the audit context` };
  }
  if (typeof tenantId !== 'string') return { ok: false, detail: `tenant_id of ${input.action} is ${noTenantId}` };
  if (actor === undefined) {
    return { ok: false, detail: `actor is missing for ${input.action}: give it, or set it in the audit context` };
  }
  // Id and tenant stand first: they can then be found without parsing the rest. To put them there by spreading twice costs three times as much.
  const { id, tenant_id: _tenantId, ...others } = input;
  const occurredAt = instantOf(input.occurred_at, stamp.nowMs);
  if (occurredAt === undefined) return { ok: false, detail: `occurred_at of ${input.action} is no valid date` };
  return {
    ok: true,
    event: {
      id: id ?? stamp.id,
      tenant_id: tenantId,
      ...others,
      occurred_at: occurredAt,
      actor,
      on_behalf_of: input.on_behalf_of ?? ambient.onBehalfOf,
      context: mergedContext(ambient.context, input.context),
      metadata: { ...ambient.metadata, ...input.metadata },
      source: undefined,
    },
  };
}

/** The event as `redact` leaves it, without what it leaves out, but for which event it is, whose, by whom and of when. */
export function redactedEvent(event: UnsourcedEvent, redact: (event: EventInput) => EventInput): UnsourcedEvent {
  const { id, tenant_id, occurred_at } = event;
  const { id: _id, tenant_id: _tenantId, ...left } = redact(event);
  return { id, tenant_id, ...left, occurred_at, actor: left.actor ?? event.actor, source: undefined };
}

/**
 * The event's JSON. Lone surrogates, which a client can put into any text and which have no UTF-8 form, become U+FFFD: the gateway would set the whole
 * event aside, and who names a document so could act on it unseen. Throws what the event's own getters throw, or for what has no JSON form.
 */
export function toWireText(event: UnsourcedEvent): string {
  const text = JSON.stringify(event);
  // Of surrogates JSON.stringify escapes only lone ones; what the text itself spells with a backslash begins with two.
  return text.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\ufffd');
}

/** The whole event: its text, and in it what recorded it. */
export function withSource(text: string, { service, version, instance, counter }: WireEvent['source']): string {
  return `${text.slice(0, -1)},"source":${JSON.stringify({ service, version, instance, counter })}}`;
}

/** The source of an event that is numbered: with the instance and running number of where it is kept. */
export function numberedSource(source: Source, spoolId: string, counter: number): WireEvent['source'] {
  const instance = source.instance === undefined ? spoolId : `${source.instance}.${spoolId}`;
  return { ...source, instance, counter };
}

function instantOf(given: string | Date | undefined, nowMs: number): string | undefined {
  if (typeof given === 'string') return given;
  const date = given ?? new Date(nowMs);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
