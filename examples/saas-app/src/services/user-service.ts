import type { Action, AuditTrail } from '../audit-trail.ts';
import { isAllowed } from '../permission-policy.ts';
import { Problem } from '../problem.ts';
import { newId, type Role, type Store, type User } from '../store.ts';
import type { Caller } from './session-service.ts';

export interface UserService {
  invite(caller: Caller, invited: { email: string; name: string; role: Role }): Promise<User>;
  changeRole(caller: Caller, userId: string, role: Role): Promise<User>;
}

export function createUserService(store: Store, audit: AuditTrail): UserService {
  async function mustManageUsers(
    caller: Caller,
    action: Action,
    resource: { id: string; name: string },
  ): Promise<void> {
    if (isAllowed(caller.user.role, 'users.manage')) return;
    await audit(action, {
      outcome: 'denied',
      outcome_reason: `the role ${caller.user.role} may not manage users`,
      severity: 'medium',
      resources: [{ type: 'user', id: resource.id, name: resource.name }],
    });
    throw new Problem(403, 'only an admin may manage users');
  }

  return {
    async invite(caller, { email, name, role }) {
      await mustManageUsers(caller, 'user.invited', { id: email, name });
      const organisationId = caller.session.organisationId;
      if (store.userByEmail(organisationId, email) !== undefined) throw new Problem(409, 'this user exists');
      const user: User = { id: newId('u'), organisationId, email, name, role, passwordHash: '' };
      store.users.set(user.id, user);
      await audit('user.invited', {
        resources: [{ type: 'user', id: user.id, name, metadata: { email } }],
        changes: [{ path: 'role', new: role }],
      });
      return user;
    },

    async changeRole(caller, userId, role) {
      const user = store.users.get(userId);
      // A user of another organisation is as unknown as one who does not exist.
      if (user === undefined || user.organisationId !== caller.session.organisationId) {
        throw new Problem(404, 'no such user');
      }
      await mustManageUsers(caller, 'user.role.updated', user);
      const changed = { ...user, role };
      store.users.set(userId, changed);
      await audit('user.role.updated', {
        severity: role === 'admin' ? 'medium' : 'info',
        resources: [{ type: 'user', id: user.id, name: user.name }],
        changes: [{ path: 'role', old: user.role, new: role }],
      });
      return changed;
    },
  };
}
