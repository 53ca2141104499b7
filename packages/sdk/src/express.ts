import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { type Actor, type AuditContext, withAuditContext } from './index.ts';

/** What the middleware reads of an Express (4 or 5) request. */
export interface RequestLike {
  /** The client's address; behind a proxy, right only with Express' `trust proxy`. */
  readonly ip?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface AuditContextOptions<R extends RequestLike> {
  /** The session's id, never its secret: it is shown to whoever reads the log. */
  sessionId?: ((request: R) => string | undefined) | undefined;
  /** The tenant, where the request tells it. What is known only later: `amendAuditContext`. */
  tenantId?: ((request: R) => string | undefined) | undefined;
  actor?: ((request: R) => Actor | undefined) | undefined;
}

/** The limits of the event schema for what a client can choose freely. */
const userAgentBytesMax = 2048;
const requestIdCharsMax = 256;

/**
 * Express middleware: everything recorded while the request is handled gets its `ip`, `user_agent`, `request_id`
 * (X-Request-Id, else a new UUID), `trace_id` (from traceparent, W3C Trace Context) and `session_id`.
 *
 * A client must not be able to keep its own actions out of the log by what it sends: a user agent that is too long is
 * cut (its length is then in metadata `_cut.user_agent`), a request id that is too long is replaced, and an address that
 * is none is left out.
 */
export function auditContext<R extends RequestLike>(options: AuditContextOptions<R> = {}) {
  return (request: R, _response: unknown, next: () => void): void => {
    withAuditContext(contextOf(request, options), next);
  };
}

function contextOf<R extends RequestLike>(request: R, options: AuditContextOptions<R>): AuditContext {
  const agent = Buffer.from(headerOf(request, 'user-agent') ?? '');
  const isAgentTooLong = agent.length > userAgentBytesMax;
  const requestId = headerOf(request, 'x-request-id');
  const isRequestIdUsable = requestId !== undefined && requestId !== '' && requestId.length <= requestIdCharsMax;
  return {
    tenantId: options.tenantId?.(request),
    actor: options.actor?.(request),
    context: {
      ip: addressOf(request.ip),
      user_agent: isAgentTooLong ? startOf(agent, userAgentBytesMax) : agent.toString() || undefined,
      request_id: isRequestIdUsable ? requestId : randomUUID(),
      trace_id: traceIdOf(headerOf(request, 'traceparent')),
      session_id: options.sessionId?.(request),
    },
    metadata: isAgentTooLong ? { '_cut.user_agent': agent.length } : {},
  };
}

function headerOf(request: RequestLike, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** An IPv4 address that arrives on an IPv6 socket is shown as IPv4; an IPv6 zone (`%eth0`) means nothing beyond its host, and no event may hold it. */
function addressOf(ip: string | undefined): string | undefined {
  const plain = ip?.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return plain !== undefined && isIP(plain) !== 0 ? plain : undefined;
}

/** The first `bytesMax` bytes, less a character that the cut would split. */
function startOf(text: Buffer, bytesMax: number): string {
  return new TextDecoder().decode(text.subarray(0, bytesMax), { stream: true });
}

/** `version-traceid-parentid-flags`; an id of zeros only is invalid. */
function traceIdOf(traceparent: string | undefined): string | undefined {
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-|$)/.exec(traceparent ?? '')?.[1];
  return traceId === undefined || /^0+$/.test(traceId) ? undefined : traceId;
}
