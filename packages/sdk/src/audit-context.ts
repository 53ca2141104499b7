import { AsyncLocalStorage } from 'node:async_hooks';
import type { Actor, EventContext, Metadata, Principal } from './event-input.ts';

/**
 * What every event recorded inside a scope has in common. An event's own fields win over it; `context` and `metadata`
 * are merged key by key.
 */
export interface AuditContext {
  tenantId?: string | undefined;
  actor?: Actor | undefined;
  onBehalfOf?: Principal | undefined;
  context?: EventContext | undefined;
  metadata?: Metadata | undefined;
}

const scopes = scopesOfProcess();

/** One for all copies of this package: an application may load it as an ES module and by `require`. */
function scopesOfProcess(): AsyncLocalStorage<AuditContext> {
  const name = Symbol.for('@docket/sdk/audit-context');
  const known: unknown = Reflect.get(globalThis, name);
  if (known instanceof AsyncLocalStorage) return known;
  const made = new AsyncLocalStorage<AuditContext>();
  Reflect.set(globalThis, name, made);
  return made;
}

/** Runs `run` in a scope whose context is the surrounding one with `context` over it, and returns what `run` returns. */
export function withAuditContext<T>(context: AuditContext, run: () => T): T {
  return scopes.run(merged(currentAuditContext(), context), run);
}

/** Runs `run` in a scope in which the actor acts for `principal`: impersonation by support, a delegated token. */
export function onBehalfOf<T>(principal: Principal, run: () => T): T {
  return withAuditContext({ onBehalfOf: principal }, run);
}

/**
 * Adds to the current scope, for what becomes known on the way: the session after authentication, the tenant after
 * routing. Outside a scope it does nothing and answers false.
 */
export function amendAuditContext(context: AuditContext): boolean {
  const scope = scopes.getStore();
  if (scope === undefined) return false;
  Object.assign(scope, merged(scope, context));
  return true;
}

/** The context of the current scope; empty outside one. */
export function currentAuditContext(): AuditContext {
  return scopes.getStore() ?? {};
}

function merged(outer: AuditContext, inner: AuditContext): AuditContext {
  return {
    tenantId: inner.tenantId ?? outer.tenantId,
    actor: inner.actor ?? outer.actor,
    onBehalfOf: inner.onBehalfOf ?? outer.onBehalfOf,
    context: mergedContext(outer.context, inner.context),
    metadata: { ...outer.metadata, ...inner.metadata },
  };
}

/** Field by field; what is undefined in `inner` comes from `outer`. */
export function mergedContext(outer: EventContext = {}, inner: EventContext = {}): EventContext {
  return {
    ip: inner.ip ?? outer.ip,
    user_agent: inner.user_agent ?? outer.user_agent,
    country: inner.country ?? outer.country,
    session_id: inner.session_id ?? outer.session_id,
    request_id: inner.request_id ?? outer.request_id,
    trace_id: inner.trace_id ?? outer.trace_id,
  };
}
