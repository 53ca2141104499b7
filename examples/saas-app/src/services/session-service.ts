import { randomBytes } from 'node:crypto';
import { withAuditContext } from '@docket/sdk';
import type { AuditTrail } from '../audit-trail.ts';
import { isPassword } from '../passwords.ts';
import { isAllowed } from '../permission-policy.ts';
import { Problem } from '../problem.ts';
import { newId, type Session, type Store, type User } from '../store.ts';

/** Who a request is from: the session, the user whose permissions count, and the user who signed in. */
export interface Caller {
  session: Session;
  user: User;
  signedIn: User;
}

export interface SessionService {
  signIn(credentials: { organisation: string; email: string; password: string }): Promise<Session>;
  signOut(caller: Caller): Promise<void>;
  /** A session in which a member of the support staff acts for a customer's user. */
  impersonate(caller: Caller, wanted: { userId: string; reason: string }): Promise<Session>;
  callerOf(token: string): Caller | undefined;
}

export function createSessionService(store: Store, audit: AuditTrail): SessionService {
  function open(user: User, organisationId: string, actingFor: User | undefined): Session {
    const token = randomBytes(24).toString('base64url');
    const session = { id: newId('s'), token, organisationId, userId: user.id, actingForId: actingFor?.id };
    store.sessions.set(token, session);
    return session;
  }

  return {
    async signIn({ organisation, email, password }) {
      // Without an organisation there is no log to write to.
      if (!store.organisations.has(organisation)) throw new Problem(401, 'no such organisation, user or password');
      const user = store.userByEmail(organisation, email);
      const isRight = user !== undefined && (await isPassword(password, user.passwordHash));
      // Nobody is signed in yet: the actor is whom the client claims to be, and marked so when there is no such user.
      const actor = user === undefined ? { type: 'anonymous', id: email } : actorOf(user);
      return withAuditContext({ tenantId: organisation, actor }, async () => {
        if (!isRight) {
          const reason = user === undefined ? 'unknown user' : 'wrong password';
          await audit('user.signed_in', { outcome: 'failure', outcome_reason: reason, severity: 'low', resources: [] });
          throw new Problem(401, 'no such organisation, user or password');
        }
        const session = open(user, organisation, undefined);
        await audit('user.signed_in', { context: { session_id: session.id }, resources: [] });
        return session;
      });
    },

    async signOut({ session }) {
      store.sessions.delete(session.token);
      await audit('user.signed_out', { resources: [] });
    },

    async impersonate({ signedIn }, { userId, reason }) {
      const severity = 'high';
      if (!isAllowed(signedIn.role, 'support.impersonate')) {
        // In the log of the caller's organisation: nothing of it belongs in another customer's.
        await audit('support.session.started', {
          outcome: 'denied',
          severity,
          resources: [{ type: 'user', id: userId }],
        });
        throw new Problem(403, 'only support staff may act for a user');
      }
      const user = store.users.get(userId);
      if (user === undefined) throw new Problem(404, 'no such user');
      const session = open(signedIn, user.organisationId, user);
      // In the log of the customer, who has a right to see that support came in.
      await withAuditContext({ tenantId: user.organisationId, onBehalfOf: principalOf(user) }, () =>
        audit('support.session.started', {
          severity,
          description: reason,
          resources: [{ type: 'user', id: user.id, name: user.name }],
          metadata: { support_session: session.id },
        }),
      );
      return session;
    },

    callerOf(token) {
      const session = store.sessions.get(token);
      const signedIn = session && store.users.get(session.userId);
      const user = session?.actingForId === undefined ? signedIn : store.users.get(session.actingForId);
      return session && signedIn && user && { session, user, signedIn };
    },
  };
}

export function actorOf(user: User): { type: string; id: string; name: string; metadata: { role: string } } {
  return { type: 'user', id: user.id, name: user.name, metadata: { role: user.role } };
}

export function principalOf(user: User): { type: string; id: string; name: string } {
  return { type: 'user', id: user.id, name: user.name };
}
