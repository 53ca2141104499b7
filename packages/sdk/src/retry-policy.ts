import type { Sent } from './transport.ts';

/** An HTTP answer of the gateway, or of what stands in its place. */
export interface Answer {
  status: number;
  /** Of the gateway's problem document, if it is one (`signedCode`). */
  code: string | undefined;
  /** Whether the answer tells what became of each event: a gateway's 202 does. */
  namesEachEvent: boolean;
  detail: string;
}

export type Verdict = Sent['verdict'];

const busyStatuses: ReadonlySet<number> = new Set([408, 425, 429]);
const configurationStatuses: ReadonlySet<number> = new Set([401, 404, 405]);

export function verdictOf(answer: Answer): Verdict {
  const { status } = answer;
  // Whatever else answers 200 to a POST (a captive portal, another service) has not taken the events.
  if (status >= 200 && status < 300) return answer.namesEachEvent ? 'accepted' : 'misconfigured';
  // Of any event: a matter of the key. Other 403s may come from something in between that dislikes one event.
  if (answer.code === 'insufficient_scope') return 'misconfigured';
  if (status >= 500 || busyStatuses.has(status)) return 'retry';
  // A redirect is not followed: a POST would become a GET, or the key would go to another host.
  if (status < 400 || configurationStatuses.has(status)) return 'misconfigured';
  return 'refused';
}

/** The code of a problem document that only the gateway writes so: other servers, and firewalls, give codes of their own. */
export function signedCode(type: string | undefined, code: string | undefined): string | undefined {
  return code !== undefined && type === `urn:docket:error:${code}` ? code : undefined;
}

/**
 * Whether anybody may have refused: the gateway gives its reason a code. A proxy or a firewall in between, or a server of another kind, may refuse
 * every request for an hour, and no event must be lost by that; it may also dislike one event, with whatever status, and no other must wait for that.
 */
export function isUnsignedRefusal(answer: Answer): boolean {
  const verdict = verdictOf(answer);
  return answer.code === undefined && verdict !== 'accepted' && verdict !== 'retry';
}

/**
 * What an unsigned refusal means, by what a request of no events is answered, which the gateway refuses: if that comes through, the events are to blame.
 * Anything else blames the address, the key, or what is in between.
 */
export function verdictByProbe(probe: Answer): Exclude<Verdict, 'accepted'> {
  const verdict = verdictOf(probe);
  if (verdict === 'retry') return verdict;
  return verdict === 'refused' && probe.code !== undefined ? verdict : 'misconfigured';
}

export interface RetryLimits {
  /** The first delay is at most this long. */
  baseDelayMs: number;
  /** No delay without Retry-After is longer. */
  maxDelayMs: number;
}

/** A server that asks for more patience than this is asked again all the same. */
export const retryAfterMsMax = 5 * 60_000;

/**
 * How long to wait before attempt `failures + 1`: full jitter (uniform in 0..min(max, base·2^(failures−1))), and never
 * less than the receiver asks for. `random` is in [0, 1).
 */
export function retryDelayMs(
  failures: number,
  sent: Exclude<Sent, { verdict: 'accepted' }>,
  limits: RetryLimits,
  random: number,
): number {
  const ceilingMs = Math.min(limits.maxDelayMs, limits.baseDelayMs * 2 ** Math.min(failures - 1, 30));
  const jitterMs = Math.round(ceilingMs * random);
  if (sent.verdict === 'misconfigured') return Math.max(jitterMs, Math.round(limits.maxDelayMs / 2));
  return (sent.verdict === 'retry' ? (sent.retryAfterMs ?? 0) : 0) + jitterMs;
}

/** Retry-After (RFC 9110 §10.2.3): seconds, or an HTTP date. Unreadable: 0. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  const text = header?.trim() ?? '';
  const isDate = /^[A-Z][a-z]{2}, /.test(text);
  const waitMs = isDate ? Date.parse(text) - nowMs : /^\d+$/.test(text) ? Number(text) * 1000 : 0;
  return Number.isNaN(waitMs) ? 0 : Math.min(Math.max(waitMs, 0), retryAfterMsMax);
}
