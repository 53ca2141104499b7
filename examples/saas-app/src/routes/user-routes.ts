import { Router } from 'express';
import type { UserService } from '../services/user-service.ts';
import { roles, type User } from '../store.ts';
import type { Authentication } from './authentication.ts';
import { choiceField, textField } from './request-body.ts';

/** Of the customers' roles; `support` is for the company's own staff. */
const customerRoles = roles.filter((role) => role !== 'support');

export function userRoutes(users: UserService, authentication: Authentication): Router {
  const router = Router();

  router.post('/users', authentication.required, async (request, response) => {
    const user = await users.invite(authentication.callerOf(request), {
      email: textField(request.body, 'email'),
      name: textField(request.body, 'name'),
      role: choiceField(request.body, 'role', customerRoles),
    });
    response.status(201).json(shown(user));
  });

  router.patch('/users/:id', authentication.required, async (request, response) => {
    const role = choiceField(request.body, 'role', customerRoles);
    const user = await users.changeRole(authentication.callerOf(request), String(request.params['id']), role);
    response.json(shown(user));
  });

  return router;
}

function shown({ id, email, name, role }: User): Pick<User, 'id' | 'email' | 'name' | 'role'> {
  return { id, email, name, role };
}
