import { chooseTenant } from '@docket/directory';
import type { Credential } from '@docket/directory';
import {
  encodeEvent,
  keepUnknownFields,
  eventBytesMax,
  idFromIdempotencyKey,
  isEventId,
  isPlainObject,
  isReserved,
  isTenantId,
  readEventFields,
  tooLarge,
} from '@docket/event';
import type { AuditEvent, FieldError } from '@docket/event';

/** What judging an event rests on, beside the event. */
export interface VerdictContext {
  readonly credential: Credential;
  readonly receivedFrom: string;
  /** ms since the epoch. */
  readonly arrivalMs: number;
  readonly idempotencyKey: string | undefined;
  /** Keeps what an event has beyond its fields, as metadata, instead of calling it invalid. */
  readonly isLenient: boolean;
  /** The trace that the request belongs to: of an event that names none and is given a new id here. */
  readonly traceId: string | undefined;
  /** Whether events of a tenant are accepted. */
  readonly isKnownTenant: (tenantId: string) => boolean;
  readonly newId: () => string;
}

export type BadCode = 'invalid_event' | 'unknown_tenant' | 'tenant_required' | 'tenant_not_allowed';

export interface GoodEvent {
  readonly kind: 'good';
  readonly id: string;
  readonly tenantId: string;
  /** The Avro body of the event, stamped with who sent it from where. */
  readonly body: Buffer;
  /** Fields that it does not have, and where they are now. */
  readonly kept?: readonly FieldError[];
}

export interface BadEvent {
  readonly kind: 'bad';
  readonly id: string;
  readonly code: BadCode;
  /** Pointers into the event. */
  readonly errors: readonly FieldError[];
  /** In whose quarantine it belongs; undefined when no tenant can be named that the sender may write to. */
  readonly tenantId: string | undefined;
  readonly input: unknown;
}

export type Verdict = GoodEvent | BadEvent;

/**
 * Judges the events of a request, each for itself. An id that comes twice for one tenant is the sender's mistake: of the second, only a duplicate
 * would be left in the log.
 */
export function judgeEvents(inputs: readonly unknown[], context: VerdictContext): Verdict[] {
  const firstIndexOf = new Map<string, number>();
  return inputs.map((input, index) => {
    const verdict = judgeEvent(input, index, context);
    if (verdict.kind === 'bad') return verdict;
    const identity = `${verdict.tenantId} ${verdict.id}`;
    const first = firstIndexOf.get(identity);
    firstIndexOf.set(identity, first ?? index);
    if (first === undefined) return verdict;
    return bad(input, verdict.id, context, 'invalid_event', [
      { pointer: '/id', detail: `is the id of event ${first} of this request too` },
    ]);
  });
}

function judgeEvent(input: unknown, index: number, context: VerdictContext): Verdict {
  const { credential, idempotencyKey } = context;
  const named = isPlainObject(input) && Object.hasOwn(input, 'tenant_id') ? input['tenant_id'] : undefined;
  const choice = chooseTenant(credential, typeof named === 'string' && isTenantId(named) ? named : undefined);
  const isNamed = named !== undefined;
  const tenantId = choice.ok ? choice.tenantId : '';
  const fallbackId =
    idempotencyKey === undefined ? context.newId() : idFromIdempotencyKey(tenantId, idempotencyKey, index);
  const id = givenId(input) ?? fallbackId;
  if (!choice.ok && choice.code !== 'tenant_required') {
    return bad(input, id, context, 'tenant_not_allowed', [
      { pointer: '/tenant_id', detail: 'is a tenant that the key is not good for' },
    ]);
  }
  if (!choice.ok && !isNamed && isPlainObject(input)) {
    return bad(input, id, context, 'tenant_required', [
      { pointer: '/tenant_id', detail: 'is required: the key is good for several tenants' },
    ]);
  }
  const whole = isPlainObject(input) && !isNamed ? { ...input, tenant_id: tenantId } : input;
  const parsed = readEventFields(whole, context.arrivalMs, fallbackId);
  if (parsed.ok) return accept(input, parsed.event, context);
  const tolerated = context.isLenient ? keepUnknownFields(whole) : undefined;
  if (tolerated === undefined) return bad(input, id, context, 'invalid_event', parsed.errors);
  const again = readEventFields(tolerated.input, context.arrivalMs, fallbackId);
  // The first errors tell more: they name the unknown fields.
  if (!again.ok) return bad(input, id, context, 'invalid_event', parsed.errors);
  const verdict = accept(input, again.event, context);
  return verdict.kind === 'good' ? { ...verdict, kept: tolerated.kept } : verdict;
}

function accept(input: unknown, parsed: AuditEvent, context: VerdictContext): Verdict {
  const { id, tenant_id: tenantId, action } = parsed;
  const errors: FieldError[] = [];
  if (isReserved(tenantId)) errors.push({ pointer: '/tenant_id', detail: 'is reserved: docket. is our own' });
  if (isReserved(action)) errors.push({ pointer: '/action', detail: 'is reserved: docket. is our own' });
  if (errors.length > 0) return bad(input, id, context, 'invalid_event', errors);
  if (!context.isKnownTenant(tenantId)) {
    return bad(input, id, context, 'unknown_tenant', [
      { pointer: '/tenant_id', detail: 'is a tenant that does not exist' },
    ]);
  }
  const ingest = { key_id: context.credential.keyId, received_from: context.receivedFrom };
  const body = encodeEvent({ ...parsed, context: tracedContext(input, parsed, context), ingest });
  // With the stamp: what is over the limit in the log would be quarantined after a 202.
  if (body.length > eventBytesMax) return bad(input, id, context, 'invalid_event', [tooLarge(body.length)]);
  return { kind: 'good', id, tenantId, body };
}

/** What may be sent again as the same event has to stay as it is: each try of a client may be in a trace of its own, and would be a conflict. */
function tracedContext(input: unknown, { context: said }: AuditEvent, context: VerdictContext): AuditEvent['context'] {
  const { traceId, idempotencyKey } = context;
  if (traceId === undefined || said.trace_id !== '') return said;
  const mayComeAgain = idempotencyKey !== undefined || givenId(input) !== undefined;
  return mayComeAgain ? said : { ...said, trace_id: traceId };
}

function bad(
  input: unknown,
  id: string,
  context: VerdictContext,
  code: BadCode,
  errors: readonly FieldError[],
): BadEvent {
  return { kind: 'bad', id, code, errors, input, tenantId: quarantineTenant(input, context) };
}

/** The event's own tenant where the sender may write to it (I5), otherwise the key's only one. */
function quarantineTenant(input: unknown, { credential, isKnownTenant }: VerdictContext): string | undefined {
  const named = isPlainObject(input) ? input['tenant_id'] : undefined;
  const candidates = [typeof named === 'string' ? named : undefined, undefined];
  for (const candidate of candidates) {
    const choice = chooseTenant(credential, candidate);
    if (choice.ok && !isReserved(choice.tenantId) && isKnownTenant(choice.tenantId)) return choice.tenantId;
  }
  return undefined;
}

function givenId(input: unknown): string | undefined {
  const id = isPlainObject(input) ? input['id'] : undefined;
  return typeof id === 'string' && isEventId(id) ? id.toLowerCase() : undefined;
}
