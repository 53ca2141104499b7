import { Router } from 'express';
import type { SessionService } from '../services/session-service.ts';
import type { Authentication } from './authentication.ts';
import { textField } from './request-body.ts';

/** Sign-in, sign-out and support's way in. */
export function sessionRoutes(sessions: SessionService, authentication: Authentication): Router {
  const router = Router();

  router.post('/sign-in', async (request, response) => {
    const session = await sessions.signIn({
      organisation: textField(request.body, 'organisation'),
      email: textField(request.body, 'email'),
      password: textField(request.body, 'password'),
    });
    response.status(201).json({ token: session.token, user_id: session.userId });
  });

  router.post('/sign-out', authentication.required, async (request, response) => {
    await sessions.signOut(authentication.callerOf(request));
    response.status(204).end();
  });

  router.post('/support/sessions', authentication.required, async (request, response) => {
    const session = await sessions.impersonate(authentication.callerOf(request), {
      userId: textField(request.body, 'user_id'),
      reason: textField(request.body, 'reason', 1000),
    });
    response.status(201).json({ token: session.token, acting_for: session.actingForId });
  });

  return router;
}
