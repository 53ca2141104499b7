import { randomUUID } from 'node:crypto';

/** What one request to the application must leave in the log. */
export interface Expected {
  tenantId: string;
  action: string;
  outcome: 'success' | 'failure' | 'denied';
  actorId: string;
  onBehalfOfId?: string;
  /** `type:id` of the primary resource. */
  resource?: string;
}

/** One request that was made, and the event that it must have left. */
export interface Performed extends Expected {
  requestId: string;
  ip: string;
  userAgent: string;
  sentAtMs: number;
}

export interface Visitor {
  ip: string;
  userAgent: string;
  token?: string;
}

export interface SaasCall {
  method: string;
  path: string;
  body?: unknown;
  status: number;
}

export interface SaasClient {
  /**
   * Makes a request as a visitor. `expect` makes the expected event from the answer. Rejects when the application answers
   * another status than the call says.
   */
  perform(visitor: Visitor, call: SaasCall, expect: (answer: Answer) => Expected): Promise<Answer>;
}

/** The JSON of an answer, as text fields. */
export type Answer = (field: string) => string;

const callTimeoutMs = 30_000;

/** A client of the example application; `onPerformed` hears of each request once it is answered. */
export function createSaasClient(url: string, onPerformed: (performed: Performed) => void): SaasClient {
  return {
    async perform(visitor, call, expect) {
      const requestId = randomUUID();
      const sentAtMs = Date.now();
      const response = await fetch(`${url}${call.path}`, {
        method: call.method,
        headers: {
          'content-type': 'application/json',
          'x-request-id': requestId,
          'x-forwarded-for': visitor.ip,
          'user-agent': visitor.userAgent,
          ...(visitor.token !== undefined && { authorization: `Bearer ${visitor.token}` }),
        },
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
        signal: AbortSignal.timeout(callTimeoutMs),
      });
      const text = await response.text();
      if (response.status !== call.status) {
        throw new Error(`${call.method} ${call.path} answered ${response.status} instead of ${call.status}: ${text}`);
      }
      const fields: unknown = text === '' ? {} : JSON.parse(text);
      const answer: Answer = (field) =>
        String(typeof fields === 'object' && fields !== null ? Reflect.get(fields, field) : '');
      onPerformed({ ...expect(answer), requestId, sentAtMs, ip: visitor.ip, userAgent: visitor.userAgent });
      return answer;
    },
  };
}
