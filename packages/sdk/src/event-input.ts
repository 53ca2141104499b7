/** Text, numbers and booleans become text in the log; null and undefined leave the key out. */
export type MetadataValue = string | number | boolean | null | undefined;

/** Keys: [A-Za-z0-9_.-]{1,64}, at most 64. */
export type Metadata = Record<string, MetadataValue>;

/** Someone who acts. `type` [A-Za-z0-9_.-]{1,64}, `id` 1..256 characters, `name` at most 512. */
export interface Actor {
  type: string;
  id: string;
  name?: string | undefined;
  metadata?: Metadata | undefined;
}

/** Someone for whom another acts: impersonation, delegation. */
export interface Principal {
  type: string;
  id: string;
  name?: string | undefined;
}

/** Something acted upon. */
export interface Resource {
  type: string;
  id: string;
  name?: string | undefined;
  metadata?: Metadata | undefined;
}

/** One change; values are any JSON of at most 8 KiB. An absent `old` or `new` differs from null. */
export interface Change {
  path: string;
  old?: unknown;
  new?: unknown;
}

/** From where an action came. */
export interface EventContext {
  ip?: string | undefined;
  user_agent?: string | undefined;
  country?: string | undefined;
  session_id?: string | undefined;
  request_id?: string | undefined;
  trace_id?: string | undefined;
}

/**
 * One audit event, as the application states it: the fields of `POST /v1/events`, with the same names and limits
 * (docs/event.md). What is left out here comes from the audit context (see `withAuditContext`) or from the options of
 * `createDocket`; the SDK itself adds `id`, `occurred_at` and `source`.
 */
export interface EventInput {
  /**
   * UUID. Missing: a new UUIDv7. Give your own, and `occurred_at`, for an event that you may record again: with the same content it is in the log once. Such an
   * event has no `source.counter`: should it be lost, no hole in the numbers tells of it.
   */
  id?: string | undefined;
  /** The customer organisation whose log this is. Missing: the audit context's, then the option `tenantId`. */
  tenant_id?: string | undefined;
  /** When it happened, RFC 3339 or a Date. Missing: when it is recorded, so that a repetition is another event. */
  occurred_at?: string | Date | undefined;
  /** Dotted lower-case name of what was done, 1..128 characters. */
  action: string;
  category?: 'authentication' | 'account' | 'access' | 'entity' | 'data' | 'configuration' | 'other' | undefined;
  operation?: 'create' | 'read' | 'update' | 'delete' | 'other' | undefined;
  outcome?: 'success' | 'failure' | 'denied' | 'unknown' | undefined;
  outcome_reason?: string | undefined;
  severity?: 'info' | 'low' | 'medium' | 'high' | 'critical' | undefined;
  /** Who really did it. Missing: the audit context's actor; without one the event is invalid. */
  actor?: Actor | undefined;
  on_behalf_of?: Principal | undefined;
  /** What was acted upon, the first is primary; at most 32. */
  resources?: Resource[] | undefined;
  /** At most 64. */
  changes?: Change[] | undefined;
  description?: string | undefined;
  /** Field by field over the audit context's. */
  context?: EventContext | undefined;
  metadata?: Metadata | undefined;
}

/** What records: shown in every event. `counter` is added by the SDK, but not to an event with an `id` of its own. */
export interface Source {
  service: string;
  version?: string | undefined;
  instance?: string | undefined;
}

/** An event as it is sent. */
export interface WireEvent extends Omit<EventInput, 'id' | 'tenant_id' | 'occurred_at' | 'actor'> {
  id: string;
  tenant_id: string;
  occurred_at: string;
  actor: Actor;
  source: Source & { counter?: number | undefined };
}
