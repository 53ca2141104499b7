import { amendAuditContext } from '@docket/sdk';
import type { Request, RequestHandler } from 'express';
import { Problem } from '../problem.ts';
import { actorOf, type Caller, principalOf, type SessionService } from '../services/session-service.ts';

export interface Authentication {
  /** Refuses a request without a session; tells the audit context who it is from. */
  required: RequestHandler;
  callerOf(request: Request): Caller;
}

export function createAuthentication(sessions: SessionService): Authentication {
  const callers = new WeakMap<Request, Caller>();
  return {
    required(request, _response, next) {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      const caller = sessions.callerOf(token);
      if (caller === undefined) throw new Problem(401, 'sign in first');
      callers.set(request, caller);
      const { session, user, signedIn } = caller;
      amendAuditContext({
        tenantId: session.organisationId,
        actor: actorOf(signedIn),
        onBehalfOf: user === signedIn ? undefined : principalOf(user),
        context: { session_id: session.id },
      });
      next();
    },
    callerOf(request) {
      const caller = callers.get(request);
      if (caller === undefined) throw new Problem(401, 'sign in first');
      return caller;
    },
  };
}
